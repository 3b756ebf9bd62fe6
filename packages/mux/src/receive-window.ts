import { firstCreditBytes } from "./frame.ts";
import type { WindowBudget } from "./window-budget.ts";

export type ReceiveWindowOptions = {
  initialBytes: number;
  maxBytes: number;
  budget: WindowBudget;
  rttMs: () => number | undefined;
  nowMs: () => number;
};

/**
 * Below this it is the event loops that take the time: windows then grow to about a millisecond of data, which saves
 * WINDOW frames and costs a keystroke beside a bulk stream no more than that.
 */
const minRttMs = 0.5;

/**
 * Credit of one direction of a stream, kept by its receiver. Credit is given back when the reader consumes,
 * not on arrival: a stream whose reader stops holds at most one window.
 *
 * A stream starts with the 8 KiB that need no budget. The first bulk raises it to the initial window, and it
 * doubles whenever a whole window is consumed within two round trips (then the window, not the reader, is
 * what limits the sender), as far as the budget allows.
 */
export class ReceiveWindow {
  #options: ReceiveWindowOptions;
  #sizeBytes = firstCreditBytes;
  /** What the peer may still send. */
  #creditBytes = firstCreditBytes;
  /** Consumed, and not yet given back. */
  #owedBytes = 0;
  #roundStartMs = 0;
  #roundBytes = 0;

  constructor(options: ReceiveWindowOptions) {
    this.#options = options;
    this.#roundStartMs = options.nowMs();
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Whether the peer was allowed to send these. */
  receive(bytes: number): boolean {
    if (bytes > this.#creditBytes) return false;
    this.#creditBytes -= bytes;
    return true;
  }

  /** The first raise does not wait for the reader: it costs a round trip as it is. */
  raise(): number {
    const { initialBytes } = this.#options;
    if (this.#sizeBytes >= initialBytes || this.#creditBytes > this.#sizeBytes / 2) return 0;
    for (let target = initialBytes; target > this.#sizeBytes; target /= 2) {
      const more = Math.floor(target) - this.#sizeBytes;
      if (more > 0 && this.#options.budget.reserve(more, "initial")) {
        this.#sizeBytes += more;
        this.#creditBytes += more;
        return more;
      }
    }
    return 0;
  }

  /** Returns how much credit to send back now: 0 until half a window is owed. */
  consume(bytes: number): number {
    this.#owedBytes += bytes;
    this.#roundBytes += bytes;
    if (this.#roundBytes >= this.#sizeBytes) this.#endRound();
    if (this.#owedBytes < this.#sizeBytes / 2) return 0;
    const grant = this.#owedBytes;
    this.#owedBytes = 0;
    this.#creditBytes += grant;
    return grant;
  }

  /** Gives the budget back when the stream is gone. */
  close(): void {
    const reserved = this.#sizeBytes - firstCreditBytes;
    this.#sizeBytes = firstCreditBytes;
    if (reserved > 0) this.#options.budget.release(reserved);
  }

  #endRound(): void {
    const { nowMs, rttMs, maxBytes, budget } = this.#options;
    const now = nowMs();
    const rtt = rttMs();
    const isFast = rtt !== undefined && now - this.#roundStartMs <= 2 * Math.max(rtt, minRttMs);
    this.#roundBytes = 0;
    this.#roundStartMs = now;
    if (!isFast) return;
    const more = Math.min(this.#sizeBytes, maxBytes - this.#sizeBytes);
    if (more > 0 && budget.reserve(more, "growth")) {
      this.#sizeBytes += more;
      this.#owedBytes += more;
    }
  }
}
