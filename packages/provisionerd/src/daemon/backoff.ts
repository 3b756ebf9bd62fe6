/**
 * Waiting times that double from `firstMs` to `maxMs`, each drawn between half of it and all of it, so that
 * daemons that lost one server do not come back in step.
 */
export function createBackoff(firstMs: number, maxMs: number, random = Math.random) {
  let nextMs = firstMs;
  return {
    next(): number {
      const waitMs = nextMs * (0.5 + random() / 2);
      nextMs = Math.min(maxMs, nextMs * 2);
      return waitMs;
    },
    reset(): void {
      nextMs = firstMs;
    },
  };
}

/** Resolves after `ms`, or as soon as the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
