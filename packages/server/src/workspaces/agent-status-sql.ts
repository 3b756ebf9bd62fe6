import { sql } from "kysely";

/** An agent that was not heard of for this long is disconnected (agent-and-apps.md 2): twice its heartbeat. */
const INACTIVE_AFTER_MS = 30_000;

/** The status of the agent row with this alias, as lists filter by it; the rule is that of `agents/`. */
export function agentStatusSql(alias: string, now: Date) {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  const silentSince = new Date(now.getTime() - INACTIVE_AFTER_MS);
  return sql<string>`case
    when ${column("first_connected_at")} is null then
      case when ${column("connection_timeout_seconds")} > 0
        and ${column("created_at")} + make_interval(secs => ${column("connection_timeout_seconds")}) < ${now}
        then 'timeout' else 'connecting' end
    when ${column("disconnected_at")} >= ${column("last_connected_at")} or ${column("last_connected_at")} < ${silentSince}
      then 'disconnected'
    else 'connected' end`;
}
