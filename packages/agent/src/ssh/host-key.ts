import { generateKeyPairSync } from "node:crypto";

/**
 * A new ed25519 key for each start, in the form that ssh2 reads. Trust comes from the transport: the server
 * authorized the stream, so clients do not check this key.
 */
export function generateHostKey(): string {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const seed = fromJwk(privateKey.export({ format: "jwk" }).d);
  const point = fromJwk(publicKey.export({ format: "jwk" }).x);
  const type = sshString(Buffer.from("ssh-ed25519"));
  const publicBlob = Buffer.concat([type, sshString(point)]);
  const check = Buffer.alloc(4, 0x51);
  const secret = Buffer.concat([
    check,
    check,
    type,
    sshString(point),
    sshString(Buffer.concat([seed, point])),
    sshString(Buffer.alloc(0)),
  ]);
  const padded = Buffer.concat([
    secret,
    Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (secret.length % 8)) % 8)),
  ]);
  const none = sshString(Buffer.from("none"));
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    none,
    none,
    sshString(Buffer.alloc(0)),
    u32(1),
    sshString(publicBlob),
    sshString(padded),
  ]);
  const lines = file.toString("base64").match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function fromJwk(value: string | undefined): Buffer {
  return Buffer.from(value ?? "", "base64url");
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function sshString(body: Buffer): Buffer {
  return Buffer.concat([u32(body.byteLength), body]);
}
