import { Code, ConnectError } from "@connectrpc/connect";
import { daemons } from "@slipway/api";
import { sql } from "kysely";
import { readBuildState, writeBuildState } from "../builds/build-state.ts";
import type { Tx } from "../db/db.ts";
import type { WorkspaceBuildRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { addsTaints } from "./adds-taints.ts";
import { keepState } from "./kept-states.ts";
import { buildIdOf, requireStorable, type UploadedState } from "./upload-state.ts";

export type HandedIn = UploadedState & {
  jobId: string;
  epoch: number;
  /** Who hands it in: the daemons of one key share what their host kept. */
  organizationId: string;
  keyId: string;
  /** Whose builds alone it may run. */
  ownerId: string | null;
};

/**
 * Takes state that could not be uploaded while its lease was valid: the one exception to the epoch rule
 * (architecture.md, "Losing contact"). It becomes the build's state when it is of the same lineage, newer (or
 * the same with more of it tainted), and no later build has started or was given another state; otherwise it is kept beside the workspace.
 */
export async function handInState(
  deps: Pick<Deps, "db" | "clock" | "keyring" | "events">,
  handed: HandedIn,
): Promise<{ accepted: boolean; reason: string }> {
  requireStorable(handed.state);
  return deps.db.transaction().execute(async (tx) => {
    const job = await tx
      .selectFrom("provisioner_jobs as job")
      .leftJoin("provisioner_daemons as daemon", "daemon.id", "job.daemon_id")
      .leftJoin("provisioner_keys as key", "key.id", "daemon.key_id")
      .select(["job.id", "job.type", "job.input", "job.epoch", "daemon.key_id", "daemon.owner_id"])
      .select("key.id as present_key_id")
      .where("job.id", "=", handed.jobId)
      .where("job.organization_id", "=", handed.organizationId)
      .executeTakeFirst();
    const buildId = job === undefined ? null : buildIdOf(job);
    if (job === undefined || buildId === null || !mayHandIn(handed, job) || handed.epoch > job.epoch) {
      throw new ConnectError("No build of this daemon's has this job.", Code.NotFound);
    }
    const build = await tx
      .selectFrom("workspace_builds")
      .selectAll()
      .where("id", "=", buildId)
      .executeTakeFirstOrThrow();
    // Builds of a workspace are queued under this lock: no later one can appear while we decide.
    await tx.selectFrom("workspaces").select("id").where("id", "=", build.workspace_id).forUpdate().execute();
    const later = await laterBuilds(tx, build);
    const present = await tx
      .selectFrom("workspace_build_states")
      .select(["lineage", "serial"])
      .where("build_id", "=", build.id)
      .executeTakeFirst();
    if (isKnown(handed, present) && !(await taintsMore(tx, deps, build.id, handed, present))) {
      return { accepted: false, reason: "The server has this state, or a later one, already." };
    }
    const refusal = refusalOf(present, handed, later);
    if (refusal === null) {
      // Those that came after it and never ran, or wait in the queue, took a copy of the older state.
      for (const id of [build.id, ...later.map(({ id }) => id)]) {
        await writeBuildState(tx, deps.keyring, id, handed, deps.clock.now());
      }
      return { accepted: true, reason: "" };
    }
    await keepState(tx, deps, build, handed, refusal);
    return { accepted: false, reason: refusal };
  });
}

/**
 * The daemons of the same key may, and of the same user; of those whose key was deleted, or who are forgotten, all that
 * serve the whole organization: what was reached under it must not be lost with the key.
 */
function mayHandIn(
  { keyId, ownerId }: HandedIn,
  ran: { key_id: string | null; owner_id: string | null; present_key_id: string | null },
): boolean {
  if (ran.owner_id !== ownerId) return false;
  if (ran.key_id === keyId) return true;
  const isReserved = ran.key_id !== null && reservedKeyIds.includes(ran.key_id);
  return ownerId === null && ran.present_key_id === null && !isReserved;
}

const reservedKeyIds: readonly string[] = Object.values(daemons.reservedProvisionerKeyIds);

const isKnown = (handed: HandedIn, present: StateMark | undefined): boolean =>
  present?.lineage === handed.lineage && handed.serial <= present.serial;

/**
 * A daemon that dies right after Terraform stored a resource may have uploaded it as whole, while its `provisioner` blocks
 * had just begun: who finds the state says so, of the same serial.
 */
async function taintsMore(
  tx: Tx,
  { keyring }: Pick<Deps, "keyring">,
  buildId: string,
  handed: HandedIn,
  present: StateMark | undefined,
): Promise<boolean> {
  if (handed.serial !== present?.serial) return false;
  const stored = await readBuildState(tx, keyring, buildId);
  return stored !== null && addsTaints(handed.state, stored.state);
}

type StateMark = { lineage: string; serial: number };
type LaterBuild = {
  id: string;
  /** Of the daemon that took it; null for one that waits, or that ended before any did. */
  daemon_name: string | null;
  is_orphan: boolean;
  lineage: string | null;
  serial: number | null;
};

async function laterBuilds(tx: Tx, build: WorkspaceBuildRow): Promise<LaterBuild[]> {
  const later = tx
    .selectFrom("workspace_builds as build")
    .innerJoin("provisioner_jobs as job", "job.id", "build.job_id")
    .leftJoin("workspace_build_states as state", "state.build_id", "build.id")
    .select(["build.id", "job.daemon_name", "state.lineage", "state.serial"])
    .select(sql<boolean>`job.input @> '{"orphan": true}'`.as("is_orphan"))
    .where("build.workspace_id", "=", build.workspace_id)
    .where("build.build_number", ">", build.build_number);
  // Whoever ends a running job holds its row, and may be waiting for the workspace's, which is ours.
  const seen = await later.execute();
  if (seen.some(hasStarted)) return seen;
  // Locked jobs are not leased meanwhile: a waiting build either has its new state or starts after all.
  return later.forUpdate("job").execute();
}

// One that waited in vain has a time at which it began and ended, but nobody ever ran it.
const hasStarted = ({ daemon_name }: LaterBuild) => daemon_name !== null;

function refusalOf(present: StateMark | undefined, handed: HandedIn, later: LaterBuild[]): string | null {
  if (later.some(hasStarted)) return "A later build has started.";
  // Somebody decided from what it goes on, knowing less than this; that is not undone behind his back.
  if (!later.every((build) => isCopy(build, present))) return "A later build was given a state of its own.";
  const isOther = present !== undefined && present.lineage !== "" && present.lineage !== handed.lineage;
  return isOther ? "The workspace's state is of another lineage." : null;
}

function isCopy({ is_orphan, lineage, serial }: LaterBuild, of: StateMark | undefined): boolean {
  return !is_orphan && lineage === (of?.lineage ?? null) && serial === (of?.serial ?? null);
}
