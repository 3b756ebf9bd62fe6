import { sql } from "kysely";
import pg from "pg";
import type { Logger } from "pino";
import type { Db, Tx } from "../db/db.ts";
import { backoffMs } from "./backoff.ts";
import { createSubscriptions, type EventHandler, type EventId } from "./subscriptions.ts";

export const eventTopics = [
  /** A job waits; the id is its organization's. */
  "job_posted",
  /** A job's status or logs changed. */
  "job",
  "workspace",
  /** An agent's status, life-cycle, logs or metadata changed. */
  "agent",
  /** What a user may do changed; the id is the user's. */
  "access",
  /** A provisioner key was rotated or deleted. */
  "provisioner_key",
  "template",
] as const;
export type EventTopic = (typeof eventTopics)[number];

export type WaitOptions = { signal?: AbortSignal | undefined; timeoutMs: number };

/** Wakes whoever waits for a change, on every replica. Carries ids only: receivers read the rows. */
export type Events = {
  /** Inside a transaction the event is sent when that commits, and doubles are dropped. */
  publish(executor: Db | Tx, topic: EventTopic, id: string): Promise<void>;
  /** Several events in one statement. */
  publishAll(executor: Db | Tx, events: readonly (readonly [EventTopic, string])[]): Promise<void>;
  /**
   * Calls the handler for each event about `id` ("*": about any). After the listener was away for a
   * moment it is called with "*": events may have been missed, re-read what you hold.
   */
  subscribe(topic: EventTopic, id: string | "*", handler: EventHandler): () => void;
  /**
   * Returns what `check` finds, asking it at once and again after each event; `null` after the timeout.
   * The subscription is older than the first check, so that nothing slips between them.
   *
   * @example
   * const job = await events.waitFor("job", jobId, () => completedJob(db, jobId), { timeoutMs: 30_000 });
   */
  waitFor<T>(
    topic: EventTopic,
    id: string,
    check: () => Promise<T | null>,
    options: WaitOptions,
  ): Promise<T | null>;
  /**
   * For how long the listener has been connected without a break; `null` while it is not. Counted on the monotonic
   * clock: the other one may be set in the meantime.
   */
  listeningForMs(): number | null;
  close(): Promise<void>;
};

const channel = "slipway_events";
const pingEveryMs = 15_000;

type State = { t: "connecting" } | { t: "listening"; sinceMs: number } | { t: "closed" };

/** Tells running servers of a change that was made past them. Those within one use `Events`. */
export async function publishEvent(executor: Db | Tx, topic: EventTopic, id: string): Promise<void> {
  await sql`select pg_notify(${channel}, ${`${topic} ${id}`})`.execute(executor);
}

/** Starts the listener on a connection of its own and keeps it: when it breaks, it comes back by itself. */
export async function startEvents(options: { url: string; log: Logger }): Promise<Events> {
  const { log } = options;
  const subscriptions = createSubscriptions<EventTopic>(log);
  const closing = new AbortController();
  let state: State = { t: "connecting" };

  function dispatch(payload: string | undefined): void {
    const [topic, id] = (payload ?? "").split(" ");
    // Another version of the server may know topics that this one does not.
    const known = eventTopics.find((each) => each === topic);
    if (known && id) subscriptions.dispatch(known, id);
  }

  /** Listens until the connection breaks. Resolves `connected` once events arrive. */
  async function listenOnce(connected: () => void): Promise<void> {
    const client = new pg.Client({
      connectionString: options.url,
      application_name: "slipway events",
      connectionTimeoutMillis: 5_000,
      query_timeout: pingEveryMs,
      keepAlive: true,
    });
    const broken = Promise.withResolvers<void>();
    // It may break before that is awaited: what is awaited then fails as well.
    broken.promise.catch(() => {});
    client.on("error", broken.reject);
    client.on("end", () => broken.resolve());
    client.on("notification", (message) => dispatch(message.payload));
    const end = () => broken.resolve();
    closing.signal.addEventListener("abort", end);
    // A peer that vanished without a word is found out by asking it something.
    const ping = setInterval(() => void client.query("select 1").catch(broken.reject), pingEveryMs);
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
      connected();
      await broken.promise;
    } finally {
      clearInterval(ping);
      closing.signal.removeEventListener("abort", end);
      await client.end().catch(() => {}); // It is broken already or about to be: nothing is left to save.
    }
  }

  async function keepListening(firstConnected: () => void): Promise<void> {
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      try {
        await listenOnce(() => {
          if (closing.signal.aborted) return;
          state = { t: "listening", sinceMs: performance.now() };
          if (attempt > 0) subscriptions.dispatchAll();
          attempt = 0;
          firstConnected();
        });
      } catch (err) {
        if (!closing.signal.aborted) log.warn({ err, attempt }, "the event listener lost Postgres");
      }
      if (closing.signal.aborted) return;
      state = { t: "connecting" };
      await pause(backoffMs(attempt), closing.signal);
    }
  }

  const first = Promise.withResolvers<void>();
  const running = keepListening(first.resolve);
  await first.promise;

  return {
    publish: publishEvent,
    async publishAll(executor, events) {
      const payloads = events.map(([topic, id]) => `${topic} ${id}`);
      await sql`select pg_notify(${channel}, payload) from unnest(${payloads}::text[]) payload`.execute(
        executor,
      );
    },
    subscribe: subscriptions.add,
    async waitFor(topic, id, check, { signal, timeoutMs }) {
      const limit = AbortSignal.timeout(timeoutMs);
      const ended = AbortSignal.any(signal ? [limit, signal, closing.signal] : [limit, closing.signal]);
      let wake = Promise.withResolvers<void>();
      const unsubscribe = subscriptions.add(topic, id, () => wake.resolve());
      const onEnd = () => wake.resolve();
      ended.addEventListener("abort", onEnd);
      try {
        while (true) {
          wake = Promise.withResolvers<void>();
          const found = await check();
          if (found !== null) return found;
          if (!ended.aborted) await wake.promise;
          signal?.throwIfAborted();
          if (ended.aborted) return null;
        }
      } finally {
        ended.removeEventListener("abort", onEnd);
        unsubscribe();
      }
    },
    listeningForMs: () => (state.t === "listening" ? performance.now() - state.sinceMs : null),
    async close() {
      state = { t: "closed" };
      closing.abort();
      await running;
    },
  };
}

/** Waits, or until the signal is aborted, whichever comes first. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

export type { EventHandler, EventId };
