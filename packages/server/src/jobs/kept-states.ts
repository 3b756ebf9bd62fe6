import { randomUUID } from "node:crypto";
import type { Keyring } from "../crypto/keyring.ts";
import type { Db, Tx } from "../db/db.ts";
import type { WorkspaceBuildRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { storeLines } from "./push-logs.ts";
import type { UploadedState } from "./upload-state.ts";

/** Keeps a state that did not become the build's, unless a newer one of its lineage is kept, and says so in the log. */
export async function keepState(
  tx: Tx,
  deps: Pick<Deps, "clock" | "keyring" | "events">,
  build: WorkspaceBuildRow,
  handed: UploadedState,
  reason: string,
): Promise<void> {
  const known = await tx
    .selectFrom("workspace_kept_states")
    .select("id")
    .where("build_id", "=", build.id)
    .where("lineage", "=", handed.lineage)
    .where("serial", ">=", handed.serial)
    .executeTakeFirst();
  if (known !== undefined) return;
  const id = randomUUID();
  const { keyId, data } = deps.keyring.encrypt(handed.state, purpose(id));
  await tx
    .insertInto("workspace_kept_states")
    .values({
      id,
      workspace_id: build.workspace_id,
      build_id: build.id,
      state: data,
      key_id: keyId,
      lineage: handed.lineage,
      serial: handed.serial,
      reason,
      created_at: deps.clock.now(),
    })
    .execute();
  await tellOfKept(tx, deps, build, reason);
}

const purpose = (id: string) => `workspace_kept_states/${id}`;

/** In the log of the build, where those look who ask what became of it. */
async function tellOfKept(
  tx: Tx,
  { clock, events }: Pick<Deps, "clock" | "events">,
  build: WorkspaceBuildRow,
  reason: string,
): Promise<void> {
  const job = await tx
    .selectFrom("provisioner_jobs")
    .select(["id", "next_log_seq", "logs_bytes", "logs_overflowed"])
    .where("id", "=", build.job_id)
    // Whoever is ending it at this moment waits for the workspace, which we hold: then the log goes without the line.
    .where("completed_at", "is not", null)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (job === undefined) return;
  const output =
    `A newer state of this build was handed in late and is kept, but not used: ${reason} ` +
    `See what it holds: coder state pull WORKSPACE --build ${build.build_number} --kept`;
  const line = { source: "provisioner_daemon", level: "warn", stage: "Cleaning Up", output } as const;
  await storeLines(tx, job, [{ ...line, created_at: clock.now() }]);
  await events.publish(tx, "job", job.id);
}

/** The newest state of a build that could not become the workspace's; null when there is none. */
export async function readKeptState(db: Db, keyring: Keyring, buildId: string): Promise<Buffer | null> {
  const row = await db
    .selectFrom("workspace_kept_states")
    .select(["id", "key_id", "state"])
    .where("build_id", "=", buildId)
    .orderBy("serial", "desc")
    .orderBy("created_at", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : keyring.decrypt(row.key_id, row.state, purpose(row.id));
}
