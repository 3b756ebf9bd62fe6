import type { agents } from "@slipway/api";
import { type RawBuilder, type SqlBool, sql } from "kysely";
import { inactiveAfterMs } from "../agents/agent-status.ts";

/**
 * The rule of `agentStatus` in SQL: whether the agent row with this alias has one of these statuses. Written out as
 * plain comparisons, of which Postgres knows how many rows fulfil them, and plans accordingly.
 */
export function agentStatusIn(
  wanted: readonly agents.AgentStatus[],
  alias: string,
  now: Date,
): RawBuilder<SqlBool> {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  const last = column("last_connected_at");
  const silentSince = new Date(now.getTime() - inactiveAfterMs);
  const isKnown = sql`${column("first_connected_at")} is not null and ${last} is not null`;
  const isUnknown = sql`(${column("first_connected_at")} is null or ${last} is null)`;
  const isLate = sql`(${column("connection_timeout_seconds")} > 0
    and ${column("created_at")} + make_interval(secs => ${column("connection_timeout_seconds")}) < ${now}::timestamptz)`;
  const isSilent = sql`(coalesce(${column("disconnected_at")} >= ${last}, false) or ${last} < ${silentSince}::timestamptz)`;
  const conditions: Record<agents.AgentStatus, RawBuilder<unknown>> = {
    connecting: sql`(${isUnknown} and not ${isLate})`,
    timeout: sql`(${isUnknown} and ${isLate})`,
    disconnected: sql`(${isKnown} and ${isSilent})`,
    connected: sql`(${isKnown} and not ${isSilent})`,
  };
  return sql`(${sql.join(
    wanted.map((status) => conditions[status]),
    sql` or `,
  )})`;
}
