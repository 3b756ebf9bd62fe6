import pg from "pg";
import type { Logger } from "pino";

export type SilenceLimits = {
  /** A connection in use for longer than this is looked into. */
  suspectAfterMs: number;
  /** For how long Postgres may take to answer a connection of the probe's own. */
  probeMs: number;
};

export const defaultSilenceLimits: SilenceLimits = { suspectAfterMs: 3_000, probeMs: 3_000 };

/**
 * Breaks the connections of a Postgres that does not answer any more without having closed them: it is frozen, or the
 * way to it swallows packets. Whoever waits for a query then hears within seconds that the database is away, instead
 * of when the query's own time is up. Slow queries are left alone: Postgres answers a probe beside them.
 */
export function dropSilentConnections(
  pool: pg.Pool,
  options: { url: string; log: Logger | undefined; limits: SilenceLimits },
): void {
  const { url, log, limits } = options;
  const busySince = new Map<pg.PoolClient, number>();
  let isWatching = false;

  pool.on("acquire", (client) => {
    busySince.set(client, performance.now());
    watch();
  });
  pool.on("release", (_error, client) => busySince.delete(client));
  pool.on("remove", (client) => busySince.delete(client));

  function watch(): void {
    if (isWatching || busySince.size === 0) return;
    isWatching = true;
    setTimeout(async () => {
      await look();
      isWatching = false;
      watch();
    }, limits.suspectAfterMs).unref();
  }

  async function look(): Promise<void> {
    const nowMs = performance.now();
    const suspects = [...busySince].filter(([, sinceMs]) => nowMs - sinceMs >= limits.suspectAfterMs);
    if (suspects.length > 0 && !(await answers())) {
      const silent = suspects.filter(([client, sinceMs]) => busySince.get(client) === sinceMs);
      log?.warn({ connections: silent.length }, "Postgres does not answer; giving its connections up");
      for (const [client] of silent) destroy(client);
    }
  }

  async function answers(): Promise<boolean> {
    const client = new pg.Client({
      connectionString: url,
      application_name: "slipway probe",
      connectionTimeoutMillis: limits.probeMs,
      query_timeout: limits.probeMs,
    });
    client.on("error", () => {}); // Told by what is awaited below.
    try {
      await client.connect();
      await client.query("select 1");
      return true;
    } catch (err) {
      // An answer, if not the wanted one: no slot is left, or the password has changed.
      return err instanceof pg.DatabaseError;
    } finally {
      // A peer that does not answer does not say good-bye either.
      destroy(client);
    }
  }
}

/** Ends a connection without the farewell of `end()`, for which a silent peer would have to be waited. */
function destroy(client: pg.ClientBase): void {
  // Part of the driver since its first version, and missing in its types.
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
