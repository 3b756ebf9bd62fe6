import { constants, createHash, createPrivateKey, privateDecrypt } from "node:crypto";
import { STRING } from "../values/type.ts";
import { string, unknown, type Value } from "../values/value.ts";
import { type FunctionTable, numeric, refuse, text, textOf } from "./define.ts";
import { decodeBase64, utf8 } from "./encoding.ts";

/** Functions about hashes, keys and identifiers. What is different each time is unknown. */
export const CRYPTO_FUNCTIONS: FunctionTable = {
  md5: hashOf("md5", "hex"),
  sha1: hashOf("sha1", "hex"),
  sha256: hashOf("sha256", "hex"),
  sha512: hashOf("sha512", "hex"),
  base64sha256: hashOf("sha256", "base64"),
  base64sha512: hashOf("sha512", "base64"),
  bcrypt: { parameters: [text], rest: numeric, result: STRING, call: () => unknown(STRING) },
  uuid: { parameters: [], result: STRING, call: () => unknown(STRING) },
  uuidv5: {
    parameters: [text, text],
    result: STRING,
    call: ([namespace, name]) => string(uuidOfName(textOf(namespace), textOf(name))),
  },
  rsadecrypt: {
    parameters: [text, text],
    result: STRING,
    call: ([encrypted, key]) => string(decrypt(decodeBase64(textOf(encrypted)), textOf(key))),
  },
};

function hashOf(algorithm: string, encoding: "hex" | "base64") {
  return {
    parameters: [text],
    result: STRING,
    call: ([value]: readonly Value[]) => string(createHash(algorithm).update(textOf(value)).digest(encoding)),
  };
}

const NAMESPACES: Record<string, string> = {
  dns: "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
  url: "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
  oid: "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
  x500: "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function uuidOfName(namespace: string, name: string): string {
  const uuid = NAMESPACES[namespace] ?? namespace;
  if (!UUID.test(uuid)) return refuse("The namespace must be dns, url, oid, x500 or a UUID.");
  const hash = createHash("sha1")
    .update(Buffer.from(uuid.replaceAll("-", ""), "hex"))
    .update(name)
    .digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString("hex", 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** RSA with the padding of PKCS #1 v1.5, checked here: OpenSSL answers a wrong key with made-up text. */
function decrypt(encrypted: Buffer, pem: string): string {
  let padded: Buffer;
  try {
    padded = privateDecrypt({ key: createPrivateKey(pem), padding: constants.RSA_NO_PADDING }, encrypted);
  } catch (error) {
    return refuse("The text can't be decrypted with this key.", error);
  }
  const end = padded.indexOf(0, 2);
  if (padded[0] !== 0 || padded[1] !== 2 || end < 10)
    return refuse("The text can't be decrypted with this key.");
  return utf8(padded.subarray(end + 1), "The decrypted bytes");
}
