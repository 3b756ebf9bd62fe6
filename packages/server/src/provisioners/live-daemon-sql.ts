import { daemons } from "@slipway/api";
import { type RawBuilder, sql } from "kysely";

/**
 * Whether a row of `provisioner_daemons` is that of a daemon which is there: seen lately, and not gone in order since.
 * By the database's clock, as everything that is counted from a daemon's last sign of life.
 */
export function liveDaemonSql(table: string): RawBuilder<boolean> {
  const seen = sql.ref(`${table}.last_seen_at`);
  const left = sql.ref(`${table}.left_at`);
  return sql<boolean>`coalesce(${seen} > now() - ${daemons.daemonOfflineAfterMs} * interval '1 millisecond'
    and (${left} is null or ${seen} > ${left}), false)`;
}
