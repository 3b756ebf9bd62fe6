import type { health } from "@slipway/api";
import { sql } from "kysely";
import type { Db } from "../../db/db.ts";
import { fault, found, reasonOf } from "./section.ts";

const pings = 5;

/** How long Postgres takes for an answer: the median of a few pings. */
export async function checkDatabase(
  db: Db,
  thresholdMs: number,
): Promise<Omit<health.DatabaseReport, "dismissed">> {
  const report = { reachable: false, latency: "0ms", latency_ms: 0, threshold_ms: thresholdMs };
  const took: number[] = [];
  try {
    while (took.length < pings) {
      const from = performance.now();
      await sql`select 1`.execute(db);
      took.push(performance.now() - from);
    }
  } catch (err) {
    return { ...report, ...fault("EDB01", `Postgres does not answer: ${reasonOf(err)}.`) };
  }
  const latencyMs = Number(took.sort((a, b) => a - b)[Math.floor(pings / 2)]!.toFixed(3));
  const slow = {
    code: "EDB02",
    message: `Postgres took ${latencyMs} ms for an answer, which is more than ${thresholdMs} ms.`,
  };
  return {
    ...report,
    ...found(latencyMs > thresholdMs ? [slow] : []),
    reachable: true,
    latency: `${latencyMs}ms`,
    latency_ms: latencyMs,
  };
}
