import { Code, ConnectError } from "@connectrpc/connect";
import { readBuildState, writeBuildState } from "../builds/build-state.ts";
import type { Tx } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { type LeaseRef, lockLeasedJob } from "./lease.ts";

export type UploadedState = { state: Uint8Array; lineage: string; serial: number };

/** What comes in has to go out again, in one message of 64 MiB with everything else that a build needs. */
export const maxStateBytes = 60 * 1024 * 1024;
const MAX_CREATING = 200;
const MAX_ADDRESS_LENGTH = 1_000;

/**
 * Stores what Terraform has reached by now; an older snapshot than the one stored changes nothing. One of the same serial
 * is what the lease's holder says of it now: something in it may be tainted, or no longer. `creating` is what is being
 * made besides; without a state, only that is stored.
 */
export async function uploadState(
  deps: Pick<Deps, "db" | "clock" | "keyring">,
  lease: LeaseRef,
  uploaded: UploadedState,
  creating: readonly string[] = [],
): Promise<void> {
  requireStorable(uploaded.state);
  await deps.db.transaction().execute(async (tx) => {
    const job = await lockLeasedJob(tx, lease);
    const buildId = buildIdOf(job);
    if (buildId === null) {
      throw new ConnectError("Only workspace builds have a state.", Code.InvalidArgument);
    }
    await tx
      .updateTable("provisioner_jobs")
      .set({ creating: storableAddresses(creating) })
      .where("id", "=", job.id)
      .execute();
    if (uploaded.state.byteLength === 0) return;
    if (await isCurrent(tx, deps, buildId, uploaded)) {
      await writeBuildState(tx, deps.keyring, buildId, uploaded, deps.clock.now());
    }
  });
}

/** Refuses a state that no daemon could be given again: the one that has it keeps it. */
export function requireStorable(state: Uint8Array): void {
  if (state.byteLength <= maxStateBytes) return;
  throw new ConnectError(
    `The state has ${state.byteLength} bytes; at most ${maxStateBytes} can be stored.`,
    Code.ResourceExhausted,
  );
}

// Postgres stores no NUL.
const storableAddresses = (addresses: readonly string[]) =>
  addresses
    .slice(0, MAX_CREATING)
    .map((address) => address.replaceAll("\0", "").slice(0, MAX_ADDRESS_LENGTH));

export function buildIdOf(job: Pick<ProvisionerJobRow, "type" | "input">): string | null {
  const id = job.input.workspace_build_id;
  return job.type === "workspace_build" && typeof id === "string" ? id : null;
}

async function isCurrent(
  tx: Tx,
  deps: Pick<Deps, "keyring">,
  buildId: string,
  uploaded: UploadedState,
): Promise<boolean> {
  const present = await readBuildState(tx, deps.keyring, buildId);
  return present === null || present.lineage !== uploaded.lineage || uploaded.serial >= present.serial;
}
