import { join } from "node:path";
import { WorkspaceTransition } from "@slipway/proto/provisioner";
import type { Job_TemplateDryRun } from "@slipway/proto/provisionerd";
import type { DryRunResult, EngineRun } from "../engine.ts";
import type { EngineDeps } from "./engine-deps.ts";
import { planResources } from "./plan-resources.ts";
import { prepareVersion } from "./prepare-version.ts";
import { runForJob } from "./run-for-job.ts";
import { createWorkDir } from "./work-dirs.ts";

/** Plans a start with given parameters and reports what it would make. */
export async function runDryRun(
  deps: EngineDeps,
  input: Job_TemplateDryRun,
  run: EngineRun,
): Promise<DryRunResult> {
  const setup = await deps.setUp();
  const workDir = await createWorkDir(deps.workParent, { jobId: run.jobId, epoch: run.epoch, state: null });
  try {
    const prepared = await prepareVersion(deps, { run, workDir, setup, importedLock: input.lockFile });
    const terraform = runForJob(deps, {
      run,
      setup,
      workDir,
      prepared,
      environment: {
        metadata: input.metadata,
        transition: WorkspaceTransition.START,
        parameters: input.richParameterValues,
        variables: input.variableValues,
      },
    });
    const { resources } = await planResources(terraform, {
      stage: "Planning Infrastructure",
      planFile: join(workDir.root, "dry-run.plan"),
      args: [],
    });
    return { resources };
  } finally {
    await workDir.remove();
  }
}
