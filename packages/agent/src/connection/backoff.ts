import { setTimeout as delay } from "node:timers/promises";

/** Waits `ms`, or until the signal aborts; never rejects. Without `ref`, the wait does not keep the program alive. */
export async function pause(ms: number, signal: AbortSignal, options: { ref?: boolean } = {}): Promise<void> {
  await delay(ms, undefined, { signal, ref: options.ref ?? true }).catch(() => {});
}

/** Doubles from `firstMs` to `maxMs`; the actual wait is between a half and the whole of it. */
export function backoffMs(attempt: number, firstMs: number, maxMs: number, random: () => number): number {
  const full = Math.min(firstMs * 2 ** Math.min(attempt, 30), maxMs);
  return full / 2 + (full / 2) * random();
}
