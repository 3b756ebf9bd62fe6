import { daemons } from "@slipway/api";
import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import type { DaemonSession } from "./daemon-session.ts";

/** Notes at the jobs of a daemon why nothing more will come from it, and that it is not there any more. */
export async function noteCutOff(db: Db, { daemon, held }: DaemonSession, reason: string): Promise<void> {
  if (daemon === null) return;
  const jobIds = Array.from(held, (key) => key.split(" ", 1)[0] ?? "");
  if (jobIds.length > 0) {
    await db
      .updateTable("provisioner_jobs")
      .set({ cut_reason: reason })
      .where("id", "in", jobIds)
      .where("daemon_id", "=", daemon.id)
      .where("completed_at", "is", null)
      .execute();
  }
  // It need not age to be offline.
  await db
    .updateTable("provisioner_daemons")
    .set({
      last_seen_at: sql<Date>`least(last_seen_at, now() - ${daemons.daemonOfflineAfterMs} * interval '1 millisecond')`,
    })
    .where("id", "=", daemon.id)
    // Not that of its successor, which has the row already.
    .where("instance_id", "=", daemon.instance_id)
    .execute();
}
