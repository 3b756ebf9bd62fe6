import type { CompleteJobRequest_WorkspaceBuild } from "@slipway/proto/provisionerd";
import { parseState, writeBuildState } from "../builds/build-state.ts";
import type { Tx } from "../db/db.ts";
import type { ProvisionerJobRow, WorkspaceBuildRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ResourceError, storeResources } from "./store-resources.ts";
import { storeTimings } from "./store-timings.ts";
import { buildIdOf } from "./upload-state.ts";

/** Stores what a build made, and what follows for its workspace (provisioning.md §1.12). */
export async function completeBuild(
  tx: Tx,
  deps: Deps,
  job: ProvisionerJobRow,
  result: CompleteJobRequest_WorkspaceBuild,
): Promise<void> {
  const now = deps.clock.now();
  const build = await tx
    .selectFrom("workspace_builds")
    .selectAll()
    .where("id", "=", buildIdOf(job) ?? "")
    .executeTakeFirstOrThrow();
  if (result.state.byteLength > 0) {
    const state = parseState(result.state);
    if (state === null) throw new ResourceError("The state that the build reached is not a Terraform state.");
    await writeBuildState(tx, deps.keyring, build.id, state, now);
  }
  // Before the new ones come: a prebuilt agent may keep its token.
  await tx
    .updateTable("workspace_agents")
    .set({ deleted: true, updated_at: now })
    .where("workspace_id", "=", build.workspace_id)
    .where("deleted", "=", false)
    .execute();
  const { dailyCost } = await storeResources(tx, {
    jobId: job.id,
    transition: build.transition,
    resources: result.resources,
    home: { workspaceId: build.workspace_id, buildId: build.id },
    now,
  });
  await storeTimings(tx, job.id, result.timings);
  await tx
    .updateTable("workspace_builds")
    .set({ daily_cost: dailyCost, deadline: await deadlineOf(tx, build, now) })
    .where("id", "=", build.id)
    .execute();
  if (build.transition === "delete") {
    await tx
      .updateTable("workspaces")
      .set({ deleted: true, updated_at: now })
      .where("id", "=", build.workspace_id)
      .execute();
  }
}

/** When a started workspace stops by itself: its own time to live, else that of its template. */
async function deadlineOf(tx: Tx, build: WorkspaceBuildRow, now: Date): Promise<Date | null> {
  if (build.transition !== "start") return null;
  const { ttl_ms, default_ttl_ms, allow_user_autostop } = await tx
    .selectFrom("workspaces")
    .innerJoin("templates", "templates.id", "workspaces.template_id")
    .select(["workspaces.ttl_ms", "templates.default_ttl_ms", "templates.allow_user_autostop"])
    .where("workspaces.id", "=", build.workspace_id)
    .executeTakeFirstOrThrow();
  // Without leave to choose, the template's own time counts; otherwise none chosen means never.
  const ttlMs = allow_user_autostop ? (ttl_ms ?? 0) : default_ttl_ms;
  return ttlMs > 0 ? new Date(now.getTime() + ttlMs) : null;
}
