import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { generateSshKey } from "./generate-ssh-key.ts";

/** Takes an SSH wire blob apart. */
function fields(blob: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    const length = blob.readUInt32BE(at);
    parts.push(blob.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return parts;
}

function blobOf(publicKey: string): { type: string; parts: Buffer[] } {
  const [type = "", base64 = ""] = publicKey.trimEnd().split(" ");
  return { type, parts: fields(Buffer.from(base64, "base64")) };
}

describe("a Git key", () => {
  test("of ed25519 is in OpenSSH's format, with both halves of one pair", async () => {
    const { publicKey, privateKey } = await generateSshKey("ed25519");
    const { type, parts } = blobOf(publicKey);
    expect([type, String(parts[0]), parts[1]?.length]).toEqual(["ssh-ed25519", "ssh-ed25519", 32]);

    const [begin, ...rest] = privateKey.trimEnd().split("\n");
    expect([begin, rest.at(-1)]).toEqual([
      "-----BEGIN OPENSSH PRIVATE KEY-----",
      "-----END OPENSSH PRIVATE KEY-----",
    ]);
    const body = Buffer.from(rest.slice(0, -1).join(""), "base64");
    expect(body.subarray(0, 15).toString()).toBe("openssh-key-v1\0");
    // Cipher, derivation and its options, the number of keys, then the public and the secret part.
    const none = Buffer.from("\0\0\0\x04none");
    expect(body.subarray(15, 15 + 20)).toEqual(Buffer.concat([none, none, Buffer.alloc(4)]));
    const [publicBlob, secret] = fields(body.subarray(15 + 24));
    expect(publicBlob).toEqual(Buffer.from(publicKey.split(" ")[1]!, "base64"));
    expect(secret!.length % 8).toBe(0);
    expect(secret!.subarray(0, 4)).toEqual(secret!.subarray(4, 8));
    const keys = fields(secret!.subarray(8, 8 + 4 + 11 + 4 + 32 + 4 + 64));
    expect(keys[2]!.subarray(32)).toEqual(keys[1]);

    // The seed makes the public key.
    const pkcs8 = Buffer.concat([
      Buffer.from("302e020100300506032b657004220420", "hex"),
      keys[2]!.subarray(0, 32),
    ]);
    const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
    expect(createPublicKey(key).export({ format: "jwk" }).x).toBe(keys[1]!.toString("base64url"));
  });

  test.each([
    ["ecdsa", "ecdsa-sha2-nistp256"],
    ["rsa4096", "ssh-rsa"],
  ] as const)("of %s has a private half that fits its public one", async (algorithm, sshType) => {
    const { publicKey, privateKey } = await generateSshKey(algorithm);
    const { type, parts } = blobOf(publicKey);
    expect([type, String(parts[0])]).toEqual([sshType, sshType]);
    const signature = sign("sha256", Buffer.from("message"), privateKey);
    const [a, b] = [parts[1]!, parts[2]!];
    const unsigned = (bytes: Buffer) => (bytes[0] === 0 ? bytes.subarray(1) : bytes).toString("base64url");
    const jwk =
      algorithm === "rsa4096"
        ? { kty: "RSA", e: unsigned(a), n: unsigned(b) }
        : {
            kty: "EC",
            crv: "P-256",
            x: b.subarray(1, 33).toString("base64url"),
            y: b.subarray(33).toString("base64url"),
          };
    const readBack = createPublicKey({ key: jwk, format: "jwk" });
    expect(verify("sha256", Buffer.from("message"), readBack, signature)).toBe(true);
  });
});
