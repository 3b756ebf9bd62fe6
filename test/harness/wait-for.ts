import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits until `condition` gives something other than undefined, null or false, and returns it. What it throws is
 * tried again too, and told when the time is up.
 *
 * @example
 * const agent = await waitFor("the agent to connect", async () => (await findAgent()).status === "connected");
 */
export async function waitFor<T>(
  what: string,
  condition: () => Promise<T> | T,
  { timeoutMs = 60_000, everyMs = 50 } = {},
): Promise<Exclude<T, undefined | null | false>> {
  const endsAt = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) {
        // Just compared with all three.
        return value as Exclude<T, undefined | null | false>;
      }
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > endsAt) {
      throw new Error(`Waited ${timeoutMs / 1000} s for ${what}.`, last === undefined ? {} : { cause: last });
    }
    await delay(everyMs);
  }
}
