import { type BulkMeter, createBulkMeter } from "./bulk-meter.ts";
import { ByteQueue } from "./byte-queue.ts";
import { MuxError, type ResetCode, resetCodeFromWire, resetCodes } from "./errors.ts";
import {
  allocateFrame,
  firstCreditBytes,
  frameInPlace,
  frameType,
  headerBytes,
  markHeadroom,
  maxCreditBytes,
  maxDataBytes,
  resetFrame,
  turnBytes,
  u32Frame,
} from "./frame.ts";
import type { ReceiveWindow } from "./receive-window.ts";
import { SocketLike } from "./socket-like.ts";

/** What a stream needs of its session. */
export type StreamLink = {
  /** The stream has bytes and credit: give it turns. */
  ready(stream: MuxStream): void;
  /** Sends a frame past the data queues. */
  control(frame: Buffer): void;
  /** No frame of this stream will follow from either end, or we no longer care. */
  ended(stream: MuxStream): void;
};

const bufferBytes = 64 * 1024;
const inPlaceBytes = 4 * 1024;

/** One stream of a session. `end()` closes our half, `destroy()` and `reset(code)` both halves at once. */
export class MuxStream extends SocketLike {
  readonly id: number;
  readonly meta: Uint8Array;
  readonly priority: boolean;
  #link: StreamLink;
  /** Of a stream with priority, which it loses while it moves bulk. */
  #meter: BulkMeter | undefined;

  #canSend = true;
  #credit = firstCreditBytes;
  #pending: Buffer[] = [];
  #pendingOffset = 0;
  #pendingBytes = 0;
  #written: ((error?: Error | null) => void) | undefined;
  #isQueued = false;

  #canReceive = true;
  #finReceived = false;
  #wanted = false;
  #queue = new ByteQueue();
  #window: ReceiveWindow;
  #receivedBytes = 0;
  #settledBytes = 0;
  #resetCode: ResetCode | undefined;
  #resetText = "";

  constructor(
    link: StreamLink,
    init: { id: number; meta: Uint8Array; priority: boolean; window: ReceiveWindow; nowMs: () => number },
  ) {
    super({ readableHighWaterMark: bufferBytes, writableHighWaterMark: bufferBytes });
    this.#link = link;
    this.id = init.id;
    this.meta = init.meta;
    this.priority = init.priority;
    this.#window = init.window;
    if (init.priority) this.#meter = createBulkMeter(init.nowMs);
  }

  /** Its next turn goes before those of bulk streams. */
  get isUrgent(): boolean {
    return this.#meter !== undefined && !this.#meter.isBulk;
  }

  /** Ends both halves at once. The text reaches the other end: no secrets in it. */
  reset(code: ResetCode, text = ""): void {
    this.#resetCode ??= code;
    this.#resetText ||= text;
    this.destroy(new MuxError("stream_reset", text || `The stream was reset (${code}).`, { reset: code }));
  }

  // ---- writing

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    this.#send([chunk], chunk.length, written);
  }

  override _writev(items: { chunk: Buffer }[], written: (error?: Error | null) => void): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for (const { chunk } of items) {
      chunks.push(chunk);
      bytes += chunk.length;
    }
    this.#send(chunks, bytes, written);
  }

  #send(chunks: Buffer[], bytes: number, written: (error?: Error | null) => void): void {
    // The other end has read all it wanted (see receiveReset): the bytes go nowhere, as on a closed socket.
    if (!this.#canSend || bytes === 0) {
      written();
      return;
    }
    this.#pending = chunks;
    this.#pendingOffset = 0;
    this.#pendingBytes = bytes;
    this.#written = written;
    this.#offerTurn();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#canSend) {
      this.#canSend = false;
      this.#link.control(allocateFrame(frameType.fin, this.id, 0));
      if (!this.#canReceive) this.#link.ended(this);
    }
    done();
  }

  #offerTurn(): void {
    if (this.#isQueued || this.#pendingBytes === 0 || this.#credit === 0) return;
    this.#isQueued = true;
    this.#link.ready(this);
  }

  /** Called by the session, which sends the frame and then calls {@link afterTurn}. */
  takeFrame(): Buffer | undefined {
    this.#isQueued = false;
    let left = Math.min(this.#pendingBytes, this.#credit);
    if (left === 0) return undefined;
    if (left > maxDataBytes) left = turnBytes;
    this.#meter?.count(left);
    const first = this.#pending[0] as Buffer;
    // Small chunks in a row are better copied into one frame.
    const isWorthwhile = this.#pending.length === 1 || left >= inPlaceBytes;
    if (left === first.length && this.#pendingOffset === 0 && isWorthwhile) {
      const relayed = frameInPlace(this.id, first);
      if (relayed !== undefined) {
        this.#credit -= left;
        this.#pendingBytes -= left;
        this.#pending = this.#pending.length === 1 ? [] : this.#pending.slice(1);
        return relayed;
      }
    }
    const frame = allocateFrame(frameType.data, this.id, left);
    this.#credit -= left;
    this.#pendingBytes -= left;
    let at = headerBytes;
    let taken = 0;
    while (left > 0) {
      const chunk = this.#pending[taken] as Buffer;
      const from = this.#pendingOffset;
      const size = Math.min(left, chunk.length - from);
      frame.set(from === 0 && size === chunk.length ? chunk : chunk.subarray(from, from + size), at);
      at += size;
      left -= size;
      if (from + size === chunk.length) {
        taken++;
        this.#pendingOffset = 0;
      } else {
        this.#pendingOffset = from + size;
      }
    }
    if (taken > 0) this.#pending = taken === this.#pending.length ? [] : this.#pending.slice(taken);
    return frame;
  }

  /** Separate from {@link takeFrame}: a completed write may at once send FIN, which must not overtake the frame. */
  afterTurn(): void {
    if (this.#pendingBytes > 0) {
      this.#offerTurn();
      return;
    }
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  addCredit(bytes: number): void {
    if (this.#credit + bytes > maxCreditBytes) {
      throw new MuxError(
        "protocol_error",
        `Stream ${this.id} was given more than ${maxCreditBytes} bytes of credit.`,
      );
    }
    this.#credit += bytes;
    this.#offerTurn();
  }

  // ---- reading

  receiveData(payload: Buffer): void {
    if (!this.#canReceive) {
      throw new MuxError("protocol_error", `Stream ${this.id} got data after its end.`);
    }
    if (!this.#window.receive(payload.length)) {
      throw new MuxError("protocol_error", `Stream ${this.id} got more data than it had credit for.`);
    }
    this.#receivedBytes += payload.length;
    const raised = this.#window.raise();
    if (raised > 0) this.#link.control(u32Frame(frameType.window, this.id, raised));
    if (payload.length === 0) return;
    markHeadroom(payload);
    if (this.#wanted && this.#queue.length === 0) this.#wanted = this.push(payload);
    else this.#queue.push(payload);
    this.#settle();
  }

  receiveFin(): void {
    if (!this.#canReceive) throw new MuxError("protocol_error", `Stream ${this.id} ended twice.`);
    this.#canReceive = false;
    this.#finReceived = true;
    if (this.#queue.length === 0) this.push(null);
    if (!this.#canSend) this.#link.ended(this);
  }

  receiveReset(wireCode: number, text: string): void {
    const code = resetCodeFromWire(wireCode);
    const wasSending = this.#canSend;
    this.#canSend = false;
    this.#canReceive = false;
    this.#link.ended(this);
    const error = new MuxError("stream_reset", text || `The other end reset the stream (${code}).`, {
      reset: code,
    });
    if (this.#finReceived && !this.readableEnded && wasSending) {
      // The other end sent everything and only wants no more: what it sent is still worth reading.
      this.#dropPending();
      this.once("end", () => this.destroy(error));
      return;
    }
    this.destroy(error);
  }

  /** The session is over. */
  fail(error: MuxError): void {
    this.#canSend = false;
    this.#canReceive = false;
    this.destroy(error);
  }

  override _read(): void {
    this.#wanted = true;
    while (this.#wanted) {
      const chunk = this.#queue.shift();
      if (chunk === undefined) break;
      this.#wanted = this.push(chunk);
    }
    if (this.#finReceived && this.#queue.length === 0 && !this.readableEnded) this.push(null);
  }

  // biome-ignore lint/suspicious/noExplicitAny: the signature of Readable.
  override read(size?: number): any {
    const chunk = super.read(size);
    this.#settle();
    return chunk;
  }

  /** Gives credit back for what has left our buffers since the last time. */
  #settle(): void {
    if (!this.#canReceive) return;
    const consumedBytes = this.#receivedBytes - this.#queue.length - this.readableLength;
    const grant = this.#window.consume(consumedBytes - this.#settledBytes);
    this.#settledBytes = consumedBytes;
    if (grant > 0) this.#link.control(u32Frame(frameType.window, this.id, grant));
  }

  // ---- ending

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#canSend || this.#canReceive) {
      this.#canSend = false;
      this.#canReceive = false;
      const code = this.#resetCode ?? resetCodeFor(error);
      // Texts of foreign errors stay here: they may tell what is not the other end's business.
      const text = this.#resetText || (error instanceof MuxError ? error.message : "");
      this.#link.control(resetFrame(this.id, resetCodes[code], text));
      this.#link.ended(this);
    }
    this.#dropPending();
    this.#queue.clear();
    this.#window.close();
    done(error);
  }

  #dropPending(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }
}

function resetCodeFor(error: Error | null): ResetCode {
  if (error === null) return "canceled";
  if (!(error instanceof MuxError)) return "internal";
  if (error.reset !== undefined) return error.reset;
  switch (error.code) {
    case "limit_exceeded":
      return "overloaded";
    case "connection_lost":
    case "keepalive_timeout":
    case "going_away":
    case "session_closed":
    case "stream_gone":
      return "unavailable";
    default:
      return "internal";
  }
}
