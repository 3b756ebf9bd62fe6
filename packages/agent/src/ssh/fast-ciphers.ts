import { createCipheriv, createSecretKey, type KeyObject, randomFillSync } from "node:crypto";
import type { Connection } from "ssh2";

/*
 * ssh2 1.17.0 without its native addon, made cheaper where bulk transfers spend their time, in one place and with a
 * test: look here first when the version changes. What does not have this shape is left as it is.
 */

type GcmCipher = {
  _encSSLName: string;
  _encKey: Uint8Array | KeyObject;
  _encIV: Uint8Array;
  _dead: boolean;
  _onWrite(data: Uint8Array): void;
  outSeqno: number;
  allocPacket(payloadBytes: number): Buffer;
  encrypt(packet: Buffer): void;
};
type GcmDecipher = { _decipherSSLName: string; _decipherKey: Uint8Array | KeyObject };
type Internals = { _protocol: { _cipher: object; _decipher: object } };

const blockBytes = 16;
const lengthBytes = 4;
/** Larger packets (32 KiB of data and their headers) are not sent by ssh2. */
const scratchBytes = 40 * 1024;
/** For the padding of some hundred packets: fetched one by one, they cost as much as encrypting a keystroke. */
const randomBytes = 8 * 1024;

/** Speeds up the ciphers of a connection; to be called after each key exchange, which makes new ones. */
export function speedUpCiphers(client: Connection): void {
  // The shape above, checked below.
  const { _protocol } = client as unknown as Internals;
  if (isGcmCipher(_protocol._cipher)) speedUpCipher(_protocol._cipher);
  if (isGcmDecipher(_protocol._decipher)) {
    const { _decipherKey } = _protocol._decipher;
    if (_decipherKey instanceof Uint8Array) _protocol._decipher._decipherKey = createSecretKey(_decipherKey);
  }
}

function speedUpCipher(cipher: GcmCipher): void {
  if (!(cipher._encKey instanceof Uint8Array)) return;
  // Node makes such an object of the bytes for each packet, which takes as long as the encryption itself.
  const key = createSecretKey(cipher._encKey);
  // A packet is encrypted in the call that made it, so one place serves all of them.
  const scratch = Buffer.allocUnsafeSlow(scratchBytes);

  cipher.allocPacket = (payloadBytes) => {
    const unpadded = 1 + payloadBytes;
    let padding = blockBytes - (unpadded % blockBytes);
    if (padding < 4) padding += blockBytes;
    const size = lengthBytes + unpadded + padding;
    const packet = size <= scratchBytes ? scratch.subarray(0, size) : Buffer.allocUnsafe(size);
    packet.writeUInt32BE(size - lengthBytes);
    packet[lengthBytes] = padding;
    fillRandom(packet.subarray(size - padding));
    return packet;
  };

  cipher.encrypt = (packet) => {
    if (cipher._dead) return;
    const gcm = createCipheriv(cipher._encSSLName as "aes-128-gcm", key, cipher._encIV);
    // A copy: what is written may wait, and the packet's place is used again.
    const length = Buffer.from(packet.subarray(0, lengthBytes));
    gcm.setAAD(length);
    const encrypted = gcm.update(packet.subarray(lengthBytes));
    gcm.final();
    cipher._onWrite(length);
    cipher._onWrite(encrypted);
    cipher._onWrite(gcm.getAuthTag());
    incrementCounter(cipher._encIV);
    cipher.outSeqno = (cipher.outSeqno + 1) >>> 0;
  };
}

let random: Buffer = Buffer.alloc(0);

/** Each byte is used once. */
function fillRandom(target: Buffer): void {
  if (random.length < target.length) random = randomFillSync(Buffer.allocUnsafeSlow(randomBytes));
  random.copy(target);
  random = random.subarray(target.length);
}

/** The last eight bytes of the nonce count the packets (RFC 5647, 7.1). */
function incrementCounter(nonce: Uint8Array): void {
  for (let at = nonce.length - 1; at >= nonce.length - 8; at--) {
    const next = ((nonce[at] ?? 0) + 1) & 0xff;
    nonce[at] = next;
    if (next !== 0) return;
  }
}

function isGcmCipher(cipher: object): cipher is GcmCipher {
  return "_encIV" in cipher && "_encKey" in cipher && "_onWrite" in cipher && isGcm(cipher, "_encSSLName");
}

function isGcmDecipher(decipher: object): decipher is GcmDecipher {
  return "_decipherKey" in decipher && isGcm(decipher, "_decipherSSLName");
}

function isGcm(cipher: object, field: string): boolean {
  const name: unknown = Reflect.get(cipher, field);
  return typeof name === "string" && name.endsWith("-gcm");
}
