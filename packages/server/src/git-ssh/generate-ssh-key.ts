import { generateKeyPair, type KeyObject, randomBytes } from "node:crypto";
import { promisify } from "node:util";

export type SshKeyAlgorithm = "ed25519" | "ecdsa" | "rsa4096";
export type SshKeyPair = {
  /** As in `authorized_keys`, with a newline at the end. */
  publicKey: string;
  /** PEM that OpenSSH reads. */
  privateKey: string;
};

const generate = promisify(generateKeyPair);

/** Makes a key pair for a user's Git over SSH. */
export async function generateSshKey(algorithm: SshKeyAlgorithm): Promise<SshKeyPair> {
  if (algorithm === "ed25519") {
    const { privateKey } = await generate("ed25519", undefined);
    return ed25519Pair(privateKey);
  }
  if (algorithm === "ecdsa") {
    const { publicKey, privateKey } = await generate("ec", { namedCurve: "P-256" });
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    const point = Buffer.concat([Buffer.of(4), fromBase64Url(x), fromBase64Url(y)]);
    return {
      publicKey: line("ecdsa-sha2-nistp256", [Buffer.from("nistp256"), point]),
      privateKey: privateKey.export({ type: "sec1", format: "pem" }).toString(),
    };
  }
  const { publicKey, privateKey } = await generate("rsa", { modulusLength: 4096 });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  return {
    publicKey: line("ssh-rsa", [positive(fromBase64Url(e)), positive(fromBase64Url(n))]),
    privateKey: privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
  };
}

/** OpenSSH reads ed25519 keys in its own format only (PROTOCOL.key of its sources). */
function ed25519Pair(key: KeyObject): SshKeyPair {
  const { x = "", d = "" } = key.export({ format: "jwk" });
  const publicBytes = fromBase64Url(x);
  const type = "ssh-ed25519";
  const publicBlob = Buffer.concat([field(Buffer.from(type)), field(publicBytes)]);
  // The same number twice: how a reader notices a wrong passphrase, which this key does not have.
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    publicBlob,
    field(Buffer.concat([fromBase64Url(d), publicBytes])),
    field(Buffer.from("coder")),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const one = Buffer.alloc(4);
  one.writeUInt32BE(1);
  const none = field(Buffer.from("none"));
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    none,
    none,
    field(Buffer.alloc(0)),
    one,
    field(publicBlob),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = body.toString("base64").replace(/(.{70})(?=.)/g, "$1\n");
  return {
    publicKey: line(type, [publicBytes]),
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`,
  };
}

function line(type: string, fields: readonly Buffer[]): string {
  const blob = Buffer.concat([field(Buffer.from(type)), ...fields.map(field)]);
  return `${type} ${blob.toString("base64")}\n`;
}

function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** SSH numbers are signed: a leading one bit needs a zero byte before it. */
function positive(bytes: Buffer): Buffer {
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}

function fromBase64Url(text: string): Buffer {
  return Buffer.from(text, "base64url");
}
