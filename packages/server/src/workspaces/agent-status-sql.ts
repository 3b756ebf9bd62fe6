import { sql } from "kysely";
import { inactiveAfterMs } from "../agents/agent-status.ts";

/** The rule of `agentStatus` in SQL, over the agent row with this alias: what lists filter by. */
export function agentStatusSql(alias: string, now: Date) {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  const silentSince = new Date(now.getTime() - inactiveAfterMs);
  return sql<string>`case
    when ${column("first_connected_at")} is null or ${column("last_connected_at")} is null then
      case when ${column("connection_timeout_seconds")} > 0
        and ${column("created_at")} + make_interval(secs => ${column("connection_timeout_seconds")}) < ${now}::timestamptz
        then 'timeout' else 'connecting' end
    when ${column("disconnected_at")} >= ${column("last_connected_at")}
      or ${column("last_connected_at")} < ${silentSince}::timestamptz then 'disconnected'
    else 'connected' end`;
}
