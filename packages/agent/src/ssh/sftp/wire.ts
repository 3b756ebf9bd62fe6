/** Version 3, as everybody speaks it (draft-ietf-secsh-filexfer-02). */
export const VERSION = 3;

export const packetType = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201,
} as const;

export const MAX_PACKET_BYTES = 256 * 1024;
/** What remains of a packet for data. */
export const MAX_DATA_BYTES = MAX_PACKET_BYTES - 1024;

/** Reads the fields of one packet; throws a RangeError when it is shorter than it claims. */
export type FieldReader = {
  u32(): number;
  u64(): bigint;
  bytes(): Buffer;
  text(): string;
  readonly remaining: number;
};

export function readFields(packet: Buffer, start = 0): FieldReader {
  let at = start;
  const take = (length: number) => {
    if (at + length > packet.byteLength) throw new RangeError("The packet is shorter than its fields.");
    at += length;
    return at - length;
  };
  const bytes = () => {
    const length = packet.readUInt32BE(take(4));
    const from = take(length);
    return packet.subarray(from, from + length);
  };
  return {
    u32: () => packet.readUInt32BE(take(4)),
    u64: () => packet.readBigUInt64BE(take(8)),
    bytes,
    text: () => bytes().toString("utf8"),
    get remaining() {
      return packet.byteLength - at;
    },
  };
}

export function u32(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4);
  buffer.writeUInt32BE(value >>> 0);
  return buffer;
}

export function u64(value: bigint | number): Buffer {
  const buffer = Buffer.allocUnsafe(8);
  buffer.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
  return buffer;
}

export function field(body: Buffer | string): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return Buffer.concat([u32(bytes.byteLength), bytes]);
}

export function packet(type: number, ...parts: Buffer[]): Buffer {
  const length = 1 + parts.reduce((sum, part) => sum + part.byteLength, 0);
  return Buffer.concat([u32(length), Buffer.from([type]), ...parts]);
}

/** A DATA answer made in place: `fill` reads into it, and no byte is copied again. */
export function dataPacket(id: number, buffer: Buffer, length: number): Buffer {
  buffer.writeUInt32BE(1 + 4 + 4 + length, 0);
  buffer[4] = packetType.data;
  buffer.writeUInt32BE(id, 5);
  buffer.writeUInt32BE(length, 9);
  return buffer.subarray(0, DATA_HEADER_BYTES + length);
}

export const DATA_HEADER_BYTES = 13;
