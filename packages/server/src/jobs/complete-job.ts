import { Code, ConnectError } from "@connectrpc/connect";
import type { CompleteJobRequest } from "@slipway/proto/provisionerd";
import type { Tx } from "../db/db.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { completeBuild } from "./complete-build.ts";
import { completeImport } from "./complete-import.ts";
import { failJob } from "./fail-job.ts";
import { finishJob } from "./finish-job.ts";
import { type LeaseRef, lockLeasedJob } from "./lease.ts";
import { checkModuleFiles } from "./module-files.ts";
import { type LastLogs, storeLastLogs } from "./push-logs.ts";
import { ResourceError, storeResources } from "./store-resources.ts";
import { requireStorable } from "./upload-state.ts";

/**
 * Ends a job that went well: its results and its end are stored in one transaction. Results that cannot be
 * stored end it as failed, with the reason, and keep the state that was reached.
 */
export async function completeJob(
  deps: Deps,
  lease: LeaseRef,
  result: CompleteJobRequest["result"],
  lastLogs: LastLogs = { firstLogSeq: 0n, logs: [] },
): Promise<void> {
  if (result.case === "workspaceBuild") requireStorable(result.value.state);
  try {
    await checkModuleFiles(result);
    await deps.db.transaction().execute(async (tx) => {
      const job = await lockLeasedJob(tx, lease);
      await storeLastLogs(tx, job, lastLogs);
      await storeResult(tx, deps, job, result);
      await finishJob(tx, deps, job, {});
    });
  } catch (error) {
    const reason = refusalOf(error);
    if (reason === null) throw error;
    const state = result.case === "workspaceBuild" ? result.value.state : new Uint8Array();
    const timings = result.case === "workspaceBuild" ? result.value.timings : [];
    await failJob(deps, lease, { error: reason, errorCode: "", state, timings, lastLogs });
  }
}

async function storeResult(
  tx: Tx,
  deps: Deps,
  job: ProvisionerJobRow,
  result: CompleteJobRequest["result"],
): Promise<void> {
  if (job.type === "workspace_build" && result.case === "workspaceBuild") {
    return completeBuild(tx, deps, job, result.value);
  }
  if (job.type === "template_version_import" && result.case === "templateImport") {
    return completeImport(tx, deps, job, result.value);
  }
  if (job.type === "template_version_dry_run" && result.case === "templateDryRun") {
    const { resources } = result.value;
    await storeResources(tx, { jobId: job.id, transition: "start", resources, now: deps.clock.now() });
    return;
  }
  throw new ConnectError(
    `A ${job.type} cannot end with a result of the kind ${result.case}.`,
    Code.InvalidArgument,
  );
}

function refusalOf(error: unknown): string | null {
  if (error instanceof ResourceError) return error.message;
  if (isUniqueViolation(error, "workspace_apps_agent_id_slug_key")) {
    return "Two apps of one agent have the same slug. Give each coder_app a slug of its own.";
  }
  if (isUniqueViolation(error, "workspace_agents_token")) {
    return "An agent's token is in use by another agent. Give each coder_agent its own token.";
  }
  if (isUniqueViolation(error, "template_version_presets_template_version_id_name_key")) {
    return "Two presets have the same name. Give each coder_workspace_preset a name of its own.";
  }
  if (isUniqueViolation(error, "template_version_parameters_pkey")) {
    return "Two parameters have the same name. Give each coder_parameter a name of its own.";
  }
  return null;
}
