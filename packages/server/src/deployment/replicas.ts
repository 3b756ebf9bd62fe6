import { hostname } from "node:os";
import { sql } from "kysely";
import { isPostgresAway } from "../db/postgres-errors.ts";
import type { Deps } from "../deps.ts";
import type { Pass } from "../passes.ts";
import { buildVersion } from "./version.ts";

const BEAT_MS = 5_000;
/** A replica that has not been heard of for this long has died. */
const ALIVE_MS = 20_000;
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;

export type Replicas = {
  /**
   * Whether this server was the only one on its database when it last heard of that. False before it ever did. Another
   * one that starts ends no job before it has been there for a whole lease: by then this one has heard of it, unless it
   * had lost the database before.
   */
  isAlone(): boolean;
  pass: Pass;
  /** An orderly end: the others need not wait for this one to age. */
  leave(): Promise<void>;
};

/** Enters this server among those on its database, and keeps count of them (architecture.md, "Events and replicas"). */
export function createReplicas(deps: Deps): Replicas {
  let others: number | null = null;
  const { db, replicaId } = deps;

  async function beat(): Promise<void> {
    await sql`
      insert into replicas (id, hostname, version) values (${replicaId}, ${hostname()}, ${buildVersion})
      on conflict (id) do update set seen_at = now()`.execute(db);
    await db
      .deleteFrom("replicas")
      .where("seen_at", "<", sql<Date>`now() - ${FORGOTTEN_AFTER_MS} * interval '1 millisecond'`)
      .execute();
    const { count } = await db
      .selectFrom("replicas")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("id", "<>", replicaId)
      .where("seen_at", ">", sql<Date>`now() - ${ALIVE_MS} * interval '1 millisecond'`)
      .executeTakeFirstOrThrow();
    others = Number(count);
  }

  // One after the other: a late beat must not undo what a later one has seen.
  let last: Promise<void> = Promise.resolve();
  const beatInTurn = () => {
    const next = last.then(beat);
    last = next.catch(() => {});
    return next;
  };
  beatInTurn().catch((err: unknown) => {
    if (!isPostgresAway(err)) deps.log.warn({ err }, "this server could not be entered among the replicas");
  });
  return {
    isAlone: () => others === 0,
    pass: { name: "beat of the replica", everyMs: BEAT_MS, runOnce: beatInTurn },
    async leave() {
      await last;
      await db
        .deleteFrom("replicas")
        .where("id", "=", replicaId)
        .execute()
        .catch((err: unknown) => {
          if (!isPostgresAway(err)) throw err;
        });
    },
  };
}
