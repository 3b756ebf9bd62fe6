import type { Duplex } from "node:stream";
import { ByteQueue } from "../byte-queue.ts";
import { MuxError } from "../errors.ts";
import { headerBytes, markHeadroom, turnBytes } from "../frame.ts";
import { SocketLike } from "../socket-like.ts";
import {
  createRecordReader,
  record,
  recordHeaderBytes,
  recordType,
  textRecord,
  writeRecordHeader,
} from "./records.ts";

export type ResumableHooks = {
  /** The carrier is gone; both local halves stay open. */
  detached(cause: Error | undefined): void;
  /** The accepting end has answered. */
  welcomed?(): void;
  /** The stream ended whole, on this carrier; the other end may not have seen our last acknowledgement yet. */
  whole?(carrier: Duplex): void;
  /** Unacknowledged bytes grew or shrank by this much. */
  retained?(deltaBytes: number): void;
  /** Whether more than `floorBytes` may be retained now. */
  mayRetain?(): boolean;
};

export const defaultWindowBytes = 4 * 1024 * 1024;
const bufferBytes = 64 * 1024;
/** An acknowledgement is due after this much has been read, or after this time, whichever comes first. */
const maxAckBytes = 512 * 1024;
const ackDelayMs = 250;
/** A stream may always retain this much, so that it can go on by its own acknowledgements. */
const floorBytes = 64 * 1024;
/** No peer's window is larger; one that sends more without an acknowledgement breaks the protocol. */
const maxPeerWindowBytes = 64 * 1024 * 1024;
/** Most bytes of one record that we write: with its header it fits into one frame of the carrier. */
const maxRecordBytes = turnBytes + 512;
/** How long the other end may take to end a carrier that we have ended. */
const carrierGraceMs = 5_000;

/**
 * One end of a byte stream that outlives its carriers. It keeps what it sent until the other end's reader has
 * taken it (at most a window), and sends it again on the next carrier from where the other end has received.
 *
 * The carrier itself is always read, and a stalled reader is felt through missing acknowledgements: else the
 * acknowledgements of one direction would wait behind the data of the other.
 *
 * `finish` means that the other end has taken everything.
 */
export class ResumableStream extends SocketLike {
  #hooks: ResumableHooks;
  #windowBytes: number;
  #ackBytes: number;

  #carrier: Duplex | undefined;
  /** We know from where the other end needs bytes on this carrier. */
  #isSending = false;

  /** Sent or to be sent, and not acknowledged; it starts at offset `#ackedOffset`. */
  #retained = new ByteQueue();
  #ackedOffset = 0;
  #isEnding = false;
  #written: ((error?: Error | null) => void) | undefined;
  #finished: ((error?: Error | null) => void) | undefined;

  #receivedOffset = 0;
  #ackSentOffset = 0;
  #finReceived = false;
  #ackTimer: NodeJS.Timeout | undefined;
  #isPeerDone = false;

  constructor(hooks: ResumableHooks, windowBytes: number) {
    super({ readableHighWaterMark: bufferBytes, writableHighWaterMark: bufferBytes });
    this.#hooks = hooks;
    this.#windowBytes = windowBytes;
    this.#ackBytes = Math.min(maxAckBytes, Math.ceil(windowBytes / 4));
  }

  get isAttached(): boolean {
    return this.#carrier !== undefined;
  }

  /** What the other end may forget: everything before this has been received here. */
  get receivedOffset(): number {
    return this.#receivedOffset;
  }

  get retainedBytes(): number {
    return this.#retained.length;
  }

  /**
   * Goes on over this carrier, replacing another. `peerReceived` is undefined when only the WELCOME will tell;
   * `greet` makes us the end that sends it.
   */
  attach(carrier: Duplex, peerReceived: number | undefined, greet: boolean): void {
    this.#dropCarrier();
    this.#carrier = carrier;
    this.#isSending = false;
    const isCurrent = () => this.#carrier === carrier;
    const read = createRecordReader({
      data: (chunk) => {
        if (isCurrent()) this.#receiveData(chunk);
      },
      record: (type, value, text) => {
        if (isCurrent()) this.#receiveRecord(type, value, text);
      },
    });
    const lose = (cause?: Error) => {
      if (isCurrent()) this.detach(cause);
    };
    carrier.on("error", lose);
    carrier.on("close", () => lose());
    carrier.on("end", () => lose());
    carrier.on("drain", () => {
      if (!isCurrent()) return;
      this.#sendAck();
      this.#releaseWriter();
    });
    carrier.on("data", (chunk: Buffer) => {
      if (!isCurrent()) return;
      try {
        read(chunk);
      } catch (err) {
        this.destroy(err instanceof Error ? err : new Error(String(err)));
      }
    });
    if (greet) carrier.write(record(recordType.welcome, this.#receivedOffset));
    // Our WELCOME, or the hello that came before, has told what we have received, which is more than our reader may
    // have taken: acknowledgements must not fall behind it.
    this.#ackSentOffset = this.#receivedOffset;
    if (peerReceived !== undefined) this.#sendFrom(peerReceived);
    if (carrier.destroyed) lose(carrier.errored ?? undefined);
  }

  detach(cause: Error | undefined): void {
    const carrier = this.#carrier;
    if (carrier === undefined) return;
    this.#dropCarrier();
    if (this.destroyed) return;
    if (this.#isWhole) this.#hooks.whole?.(carrier);
    else this.#hooks.detached(cause);
  }

  /** Both directions are complete and acknowledged: no carrier is needed any more. */
  get #isWhole(): boolean {
    const isSent = this.#isEnding && this.#finished === undefined;
    return isSent && this.#finReceived && this.#ackSentOffset === this.#receivedOffset;
  }

  #dropCarrier(): void {
    const carrier = this.#carrier;
    this.#carrier = undefined;
    this.#isSending = false;
    carrier?.destroy();
  }

  // ---- writing

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    this.#take([chunk], chunk.length, written);
  }

  override _writev(items: { chunk: Buffer }[], written: (error?: Error | null) => void): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for (const { chunk } of items) {
      chunks.push(chunk);
      bytes += chunk.length;
    }
    this.#take(chunks, bytes, written);
  }

  #take(chunks: Buffer[], bytes: number, written: (error?: Error | null) => void): void {
    if (this.#isSending) {
      // What is kept is the copy that was sent: the writer's buffers, many and small or one and large, are garbage
      // at once, while they are young and cheap to collect.
      for (const payload of this.#sendData(this.#carrier as Duplex, chunks, bytes))
        this.#retained.push(payload);
    } else {
      for (const chunk of chunks) this.#retained.push(chunk);
    }
    this.#hooks.retained?.(bytes);
    this.#written = written;
    this.#releaseWriter();
  }

  override _final(finished: (error?: Error | null) => void): void {
    this.#isEnding = true;
    this.#finished = finished;
    if (this.#isSending) this.#carrier?.write(record(recordType.fin));
  }

  /** Copies the chunks into records, of which the carrier can make frames without another copy. */
  #sendData(carrier: Duplex, chunks: readonly Buffer[], bytes: number): Buffer[] {
    const payloads: Buffer[] = [];
    let next = 0;
    let offset = 0;
    carrier.cork();
    for (let left = bytes; left > 0; ) {
      const size = left > maxRecordBytes ? turnBytes : left;
      left -= size;
      const frame = Buffer.allocUnsafe(headerBytes + recordHeaderBytes + size);
      let at = headerBytes + recordHeaderBytes;
      const payload = frame.subarray(at);
      while (at < frame.length) {
        const chunk = chunks[next] as Buffer;
        const copied = chunk.copy(frame, at, offset);
        at += copied;
        offset += copied;
        if (offset < chunk.length) continue;
        next++;
        offset = 0;
      }
      const record = frame.subarray(headerBytes);
      writeRecordHeader(record, recordType.data, size);
      markHeadroom(record);
      carrier.write(record);
      payloads.push(payload);
    }
    carrier.uncork();
    return payloads;
  }

  /** Lets the local writer go on while there is a carrier with room and a window. */
  #releaseWriter(): void {
    const written = this.#written;
    if (written === undefined || !this.#isSending || this.#carrier?.writableNeedDrain) return;
    if (this.#retained.length >= this.#windowBytes) return;
    if (this.#retained.length >= floorBytes && this.#hooks.mayRetain?.() === false) return;
    this.#written = undefined;
    written();
  }

  /** Sends again what the other end has not received. */
  #sendFrom(peerReceived: number): void {
    if (!this.#acknowledge(peerReceived)) return;
    const carrier = this.#carrier as Duplex;
    this.#isSending = true;
    this.#sendData(carrier, this.#retained.peek(), this.#retained.length);
    if (this.#isEnding && this.#finished !== undefined) carrier.write(record(recordType.fin));
    this.#releaseWriter();
  }

  /** Forgets everything before this offset. Returns false when it makes no sense, and ends the stream. */
  #acknowledge(offset: number): boolean {
    const end = this.#ackedOffset + this.#retained.length;
    const isWhole = this.#isEnding && offset === end + 1;
    if (offset < this.#ackedOffset || (offset > end && !isWhole)) {
      const sent = `${this.#ackedOffset} to ${end}`;
      this.destroy(new MuxError("protocol_error", `The other end acknowledged ${offset}; we hold ${sent}.`));
      return false;
    }
    const freed = Math.min(offset, end) - this.#ackedOffset;
    this.#retained.discard(freed);
    this.#ackedOffset += freed;
    if (freed > 0) this.#hooks.retained?.(-freed);
    if (isWhole) {
      const finished = this.#finished;
      this.#finished = undefined;
      finished?.();
    }
    return true;
  }

  // ---- reading

  #receiveData(chunk: Buffer): void {
    if (this.#finReceived) throw new MuxError("protocol_error", "Data after the end of a resumable stream.");
    this.#receivedOffset += chunk.length;
    this.push(chunk);
    if (this.readableLength > maxPeerWindowBytes) {
      throw new MuxError(
        "protocol_error",
        `More than ${maxPeerWindowBytes} bytes came without an acknowledgement.`,
      );
    }
    this.#settle();
  }

  #receiveRecord(type: number, value: number, text: string): void {
    switch (type) {
      case recordType.ack:
        if (this.#acknowledge(value)) this.#releaseWriter();
        break;
      case recordType.fin:
        // Sent again on each carrier until it is acknowledged.
        if (this.#finReceived) break;
        this.#finReceived = true;
        this.#receivedOffset += 1;
        this.push(null);
        this.#settle();
        break;
      case recordType.welcome:
        if (!this.#isSending) this.#sendFrom(value);
        this.#hooks.welcomed?.();
        break;
      case recordType.reset:
        this.#isPeerDone = true;
        this.destroy(
          new MuxError("stream_reset", text || "The other end closed the connection.", { reset: "canceled" }),
        );
        break;
      case recordType.unknown:
        this.#isPeerDone = true;
        this.destroy(new MuxError("stream_gone", text));
        break;
    }
  }

  override _read(): void {
    // Data is pushed as it comes; `read` below gives the room back.
  }

  // biome-ignore lint/suspicious/noExplicitAny: the signature of Readable.
  override read(size?: number): any {
    const chunk = super.read(size);
    this.#settle();
    return chunk;
  }

  /** Everything before this offset has been taken by the local reader. */
  get #takenOffset(): number {
    // The half close, one byte, is taken with the last of the data.
    if (this.#finReceived && this.readableLength > 0) return this.#receivedOffset - 1 - this.readableLength;
    return this.#receivedOffset - this.readableLength;
  }

  #settle(): void {
    if (this.destroyed) return;
    const due = this.#takenOffset - this.#ackSentOffset;
    if (due <= 0) return;
    if (due >= this.#ackBytes || (this.#finReceived && this.readableLength === 0)) {
      this.#sendAck();
    } else if (this.#ackTimer === undefined) {
      this.#ackTimer = setTimeout(() => {
        this.#ackTimer = undefined;
        this.#sendAck();
      }, ackDelayMs);
      this.#ackTimer.unref();
    }
  }

  #sendAck(): void {
    const carrier = this.#carrier;
    const offset = this.#takenOffset;
    // A carrier without room will drain, and one that comes later begins with what we have received.
    if (carrier === undefined || offset <= this.#ackSentOffset || carrier.writableNeedDrain) return;
    this.#ackSentOffset = offset;
    carrier.write(record(recordType.ack, offset));
  }

  // ---- ending

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#ackTimer);
    const freed = this.#retained.length;
    this.#retained.clear();
    if (freed > 0) this.#hooks.retained?.(-freed);
    this.#written = undefined;
    this.#finished = undefined;
    const carrier = this.#carrier;
    this.#carrier = undefined;
    this.#isSending = false;
    if (carrier !== undefined) {
      if (this.readableEnded && this.writableFinished) {
        // The last acknowledgement may have waited for room.
        if (this.#ackSentOffset < this.#receivedOffset)
          carrier.write(record(recordType.ack, this.#receivedOffset));
        this.#hooks.whole?.(carrier);
      } else if (!this.#isPeerDone) {
        // Texts of foreign errors stay here: they may tell what is not the other end's business.
        carrier.write(textRecord(recordType.reset, error instanceof MuxError ? error.message : ""));
      }
      endCarrier(carrier);
    }
    done(error);
  }
}

/** Ends a carrier in order: what was written arrives, what still comes is of no interest. */
export function endCarrier(carrier: Duplex): void {
  carrier.on("error", () => {});
  carrier.resume();
  carrier.end();
  if (carrier.closed) return;
  const grace = setTimeout(() => carrier.destroy(), carrierGraceMs);
  grace.unref();
  carrier.once("close", () => clearTimeout(grace));
}
