import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import type { DaemonSession } from "./daemon-session.ts";

/** A daemon that left in order need not age to be offline: nobody waits for it as if it were there. */
export async function noteLeft(db: Db, { daemon }: DaemonSession): Promise<void> {
  if (daemon === null) return;
  await db
    .updateTable("provisioner_daemons")
    .set({ last_seen_at: sql<Date>`now()`, left_at: sql<Date>`now()` })
    .where("id", "=", daemon.id)
    // Not that of its successor, which has the row already.
    .where("instance_id", "=", daemon.instance_id)
    .execute();
}

/** Notes at the jobs of a daemon why nothing more will come from it. */
export async function noteCutOff(db: Db, { daemon, held }: DaemonSession, reason: string): Promise<void> {
  if (daemon === null || held.size === 0) return;
  await db
    .updateTable("provisioner_jobs")
    .set({ cut_reason: reason })
    .where(
      "id",
      "in",
      Array.from(held, (key) => key.split(" ", 1)[0] ?? ""),
    )
    .where("daemon_id", "=", daemon.id)
    .where("completed_at", "is", null)
    .execute();
}
