import { MuxError } from "../errors.ts";

/*
 * What two ends of a resumable stream say to each other inside a carrier: records of type (u8), value (u48,
 * big endian) and, for some, `value` bytes behind. Offsets count the bytes of one direction from its start;
 * the half close counts as one byte more, so that it is acknowledged like data.
 */
export const recordType = {
  /** `value` bytes of the stream */
  data: 1,
  /** the reader has taken everything before offset `value` */
  ack: 2,
  /** half close */
  fin: 3,
  /** `value` bytes of text: the stream is given up */
  reset: 4,
  /** first record of the accepting end: it has received everything before offset `value` */
  welcome: 5,
  /** instead of WELCOME, `value` bytes of text: there is no such stream */
  unknown: 6,
} as const;

export const recordHeaderBytes = 7;
const maxTextBytes = 1024;
const emptyRecord: Buffer = Buffer.alloc(0);

export function writeRecordHeader(target: Buffer, type: number, value: number): void {
  target[0] = type;
  target.writeUIntBE(value, 1, 6);
}

export function record(type: number, value = 0, payload: Buffer = emptyRecord): Buffer {
  const buffer = Buffer.allocUnsafe(recordHeaderBytes + payload.length);
  writeRecordHeader(buffer, type, value);
  buffer.set(payload, recordHeaderBytes);
  return buffer;
}

export function textRecord(type: number, text: string): Buffer {
  const payload = Buffer.from(text).subarray(0, maxTextBytes);
  return record(type, payload.length, payload);
}

export type RecordHandlers = {
  /** Bytes of a DATA record, in pieces as they arrive. */
  data(chunk: Buffer): void;
  /** Every other record, whole. */
  record(type: number, value: number, text: string): void;
};

/** Returns a function that takes the bytes of a carrier as they come. It throws on what is no record. */
export function createRecordReader(handlers: RecordHandlers): (chunk: Buffer) => void {
  let dataLeft = 0;
  /** The start of a record that is not complete yet; never longer than a header and a text. */
  let partial: Buffer | undefined;

  return (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (dataLeft > 0) {
        const piece = rest.length <= dataLeft ? rest : rest.subarray(0, dataLeft);
        dataLeft -= piece.length;
        rest = rest.subarray(piece.length);
        handlers.data(piece);
        continue;
      }
      if (partial !== undefined) {
        rest = Buffer.concat([partial, rest]);
        partial = undefined;
      }
      if (rest.length < recordHeaderBytes) {
        partial = rest;
        return;
      }
      const type = rest[0] ?? 0;
      const value = rest.readUIntBE(1, 6);
      if (type === recordType.data) {
        dataLeft = value;
        rest = rest.subarray(recordHeaderBytes);
        continue;
      }
      const hasText = type === recordType.reset || type === recordType.unknown;
      if (type < recordType.data || type > recordType.unknown || (hasText && value > maxTextBytes)) {
        throw new MuxError("protocol_error", `Unexpected record of type ${type} in a resumable stream.`);
      }
      const end = recordHeaderBytes + (hasText ? value : 0);
      if (rest.length < end) {
        partial = rest;
        return;
      }
      const text = hasText ? rest.toString("utf8", recordHeaderBytes, end) : "";
      rest = rest.subarray(end);
      handlers.record(type, value, text);
    }
  };
}
