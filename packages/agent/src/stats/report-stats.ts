import { pause } from "../connection/backoff.ts";
import type { ServerLink } from "../connection/server-link.ts";
import { errorText, type Log } from "../log/log.ts";
import type { Activity } from "./activity.ts";

const DEFAULT_INTERVAL_MS = 30_000;
const MIN_INTERVAL_MS = 1_000;

/** Sends the stats at the interval that the server asks for. */
export async function reportStats(deps: {
  activity: Activity;
  link: ServerLink;
  log: Log;
  signal: AbortSignal;
}): Promise<void> {
  let intervalMs = DEFAULT_INTERVAL_MS;
  while (!deps.signal.aborted) {
    try {
      const stats = deps.activity.takeStats();
      const answer = await deps.link.call(
        (client, options) => client.updateStats(stats, options),
        deps.signal,
      );
      intervalMs = Math.max(answer.reportIntervalMs || DEFAULT_INTERVAL_MS, MIN_INTERVAL_MS);
    } catch (error) {
      if (!deps.signal.aborted) deps.log.warn({ error: errorText(error) }, "the server refused stats");
    }
    await pause(intervalMs, deps.signal, { ref: false });
  }
}
