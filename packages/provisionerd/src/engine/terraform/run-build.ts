import { type Resource, WorkspaceTransition } from "@slipway/proto/provisioner";
import type { Job_WorkspaceBuild } from "@slipway/proto/provisionerd";
import { type BuildResult, EngineFailure, type EngineRun, type StateSnapshot } from "../engine.ts";
import type { EngineDeps } from "./engine-deps.ts";
import { resourcesFromState } from "./interpret.ts";
import { prepareVersion } from "./prepare-version.ts";
import { runForJob } from "./run-for-job.ts";
import { holdsResources, parseStateSnapshot } from "./state-snapshot.ts";
import { type TerraformRun, withState } from "./terraform-run.ts";
import { createWorkDir } from "./work-dirs.ts";

const STAGES = {
  [WorkspaceTransition.UNSPECIFIED]: "Starting workspace",
  [WorkspaceTransition.START]: "Starting workspace",
  [WorkspaceTransition.STOP]: "Stopping workspace",
  [WorkspaceTransition.DESTROY]: "Destroying workspace",
};

/** Starts, stops or deletes a workspace: one `apply` or `destroy` on its state (engine.md §4). */
export async function runBuild(
  deps: EngineDeps,
  input: Job_WorkspaceBuild,
  run: EngineRun,
): Promise<BuildResult> {
  const transition = input.metadata?.workspaceTransition ?? WorkspaceTransition.START;
  const isDestroy = transition === WorkspaceTransition.DESTROY;
  if (isDestroy && !holdsAnything(input.state)) {
    await run.log({ level: "info", stage: STAGES[transition], output: "There is nothing to destroy." });
    return { state: input.state, resources: [], timings: [] };
  }
  const setup = await deps.setUp();
  const workDir = await createWorkDir(deps.workParent, {
    jobId: run.jobId,
    epoch: run.epoch,
    state: parseStateSnapshot(input.state),
  });
  run.afterReport(workDir.remove);
  // Beside all that comes before the first resource: no build waits for a disk.
  const settled = workDir.settled();
  const prepared = await prepareVersion(deps, { run, workDir, setup, importedLock: input.lockFile });
  const stage = STAGES[transition];
  const { result: terraform, state } = await withState(
    { run, workDir, state: input.state },
    async (creations) => {
      const begun = runForJob(deps, {
        run,
        setup,
        workDir,
        prepared,
        environment: {
          metadata: input.metadata,
          transition,
          parameters: input.richParameterValues,
          previousParameters: input.previousParameterValues,
          variables: input.variableValues,
          externalAuth: input.externalAuthProviders,
        },
        creations,
        isVerbose: input.logLevel !== "",
      });
      begun.timings.push(...prepared.timings);
      await (isDestroy ? destroy(begun, stage) : apply(begun, stage));
      return begun;
    },
  );
  await settled;
  const bytes = state?.bytes ?? input.state;
  const resources = isDestroy ? [] : await resourcesOf(terraform, stage, bytes, state);
  return { state: bytes, resources, timings: terraform.timings };
}

async function apply(terraform: TerraformRun, stage: string): Promise<void> {
  await terraform.command(stage, "apply", ["apply", "-no-color", "-input=false", "-json", "-auto-approve"]);
}

// Without a refresh it is a quarter faster; with one it also copes with what vanished (engine.md §4).
async function destroy(terraform: TerraformRun, stage: string): Promise<void> {
  const args = ["destroy", "-no-color", "-input=false", "-json", "-auto-approve"];
  try {
    await terraform.command(stage, "apply", [...args, "-refresh=false"]);
  } catch (error) {
    if (!(error instanceof EngineFailure) || error.message.endsWith("was interrupted.")) throw error;
    await terraform.say(stage, "Trying again after a look at what really exists.");
    await terraform.command(stage, "apply", args);
  }
}

/** A state that cannot be understood fails the build and is kept all the same: it says what exists. */
async function resourcesOf(
  terraform: TerraformRun,
  stage: string,
  bytes: Uint8Array,
  state: StateSnapshot | null,
): Promise<Resource[]> {
  if (bytes.byteLength === 0) return [];
  try {
    const { resources, diagnostics } = resourcesFromState(JSON.parse(Buffer.from(bytes).toString("utf8")));
    await terraform.report(stage, diagnostics);
    return resources;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new EngineFailure(message, { state: state ?? undefined, timings: terraform.timings, cause: error });
  }
}

function holdsAnything(state: Uint8Array): boolean {
  try {
    return holdsResources(state);
  } catch (error) {
    throw new EngineFailure(
      "The workspace's state is not a Terraform state file, so nothing was destroyed. Delete it with --orphan once you have removed its resources by hand.",
      {
        cause: error,
      },
    );
  }
}
