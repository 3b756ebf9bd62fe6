import type { CompleteJobRequest_WorkspaceBuild } from "@slipway/proto/provisionerd";
import { parseState, writeBuildState } from "../builds/build-state.ts";
import type { Tx } from "../db/db.ts";
import type { ProvisionerJobRow, TemplateRow, WorkspaceBuildRow, WorkspaceRow } from "../db/schema.ts";
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
    .selectFrom("workspace_builds as build")
    .innerJoin("workspaces as workspace", "workspace.id", "build.workspace_id")
    .innerJoin("templates as template", "template.id", "workspace.template_id")
    .select(["build.id", "build.workspace_id", "build.transition", "workspace.ttl_ms"])
    .select(["template.default_ttl_ms", "template.allow_user_autostop"])
    .where("build.id", "=", buildIdOf(job) ?? "")
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
    .set({ daily_cost: dailyCost, deadline: deadlineOf(build, now) })
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

type Lifetime = Pick<WorkspaceBuildRow, "transition"> &
  Pick<WorkspaceRow, "ttl_ms"> &
  Pick<TemplateRow, "default_ttl_ms" | "allow_user_autostop">;

/** When a started workspace stops by itself: its own time to live, else that of its template. */
function deadlineOf(build: Lifetime, now: Date): Date | null {
  if (build.transition !== "start") return null;
  // Without leave to choose, the template's own time counts; otherwise none chosen means never.
  const ttlMs = build.allow_user_autostop ? (build.ttl_ms ?? 0) : build.default_ttl_ms;
  return ttlMs > 0 ? new Date(now.getTime() + ttlMs) : null;
}
