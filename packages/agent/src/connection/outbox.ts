import { errorText, type Log } from "../log/log.ts";
import type { ServerLink } from "./server-link.ts";

export type Outbox<Item> = {
  push(item: Item): void;
  /** Resolves when everything pushed so far was sent, refused or dropped, or `signal` aborts. */
  flush(signal: AbortSignal): Promise<void>;
};

/**
 * Sends items one after another, in order, each until the server has it. Bounded: beyond `limit` the oldest waiting
 * item is dropped, with a line in the log.
 */
export function createOutbox<Item>(deps: {
  name: string;
  link: ServerLink;
  log: Log;
  signal: AbortSignal;
  limit: number;
  send: (
    client: Parameters<Parameters<ServerLink["call"]>[0]>[0],
    item: Item,
    signal: AbortSignal,
  ) => Promise<unknown>;
}): Outbox<Item> {
  const { name, link, log, signal } = deps;
  let queue: Item[] = [];
  let running: Promise<void> | undefined;
  let dropped = 0;

  const drain = async () => {
    while (queue.length > 0 && !signal.aborted) {
      const item = queue.shift();
      if (item === undefined) break;
      try {
        await link.call((client, options) => deps.send(client, item, options.signal), signal);
      } catch (error) {
        if (!signal.aborted)
          log.warn({ report: name, error: errorText(error) }, "the server refused a report");
      }
    }
    running = undefined;
  };
  return {
    push(item) {
      queue.push(item);
      if (queue.length > deps.limit) {
        queue = queue.slice(-deps.limit);
        if (dropped++ === 0)
          log.warn({ report: name }, "reports wait too long for the server; the oldest are dropped");
      }
      running ??= drain();
    },
    async flush(until) {
      const aborted = new Promise<void>((resolve) => {
        if (until.aborted) resolve();
        until.addEventListener("abort", () => resolve(), { once: true });
      });
      await Promise.race([running ?? Promise.resolve(), aborted]);
    },
  };
}
