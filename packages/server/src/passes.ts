import type { Deps } from "./deps.ts";

/** A piece of background work: a function of time, safe on any number of replicas at once. */
export type Pass = {
  name: string;
  everyMs: number;
  /** Does what is due at `now`. */
  runOnce(deps: Deps, now: Date): Promise<unknown>;
};

/** Runs each pass again and again, never twice at the same time. Returns what stops them and waits. */
export function startPasses(passes: readonly Pass[], deps: Deps): () => Promise<void> {
  const stopped = new AbortController();
  const running = passes.map((pass) => repeat(pass, deps, stopped.signal));
  return async () => {
    stopped.abort();
    await Promise.all(running);
  };
}

async function repeat(pass: Pass, deps: Deps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, pass.everyMs);
      signal.addEventListener("abort", done, { once: true });
      function done() {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
    });
    if (signal.aborted) return;
    try {
      await pass.runOnce(deps, deps.clock.now());
    } catch (err) {
      // The next round tries again: whatever was due still is.
      if (!signal.aborted) deps.log.warn({ err, pass: pass.name }, "a background pass failed");
    }
  }
}
