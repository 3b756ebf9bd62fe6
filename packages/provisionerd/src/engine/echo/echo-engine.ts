import { access } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { WorkspaceTransition } from "@slipway/proto/provisioner";
import {
  CompleteJobRequest_TemplateDryRunSchema,
  CompleteJobRequest_TemplateImportSchema,
  CompleteJobRequest_WorkspaceBuildSchema,
} from "@slipway/proto/provisionerd";
import { readTarFile } from "@slipway/template";
import {
  type Engine,
  type EngineErrorCode,
  EngineFailure,
  type EngineRun,
  type LogLevel,
  type StateSnapshot,
} from "../engine.ts";
import { parseStateSnapshot } from "../terraform/state-snapshot.ts";

export const ECHO_FILE = "echo.json";

/**
 * One thing that a scripted job does. `waitForFile` goes on when that file of the host exists, `waitFor` when
 * the job is interrupted or forced; an interrupted job fails, unless it waited for that.
 */
export type EchoStep =
  | { log: string; level?: LogLevel; stage?: string; times?: number }
  | { state: JsonValue }
  | { waitForFile: string }
  | { waitFor: "interrupt" | "force" }
  | { fail: string; code?: EngineErrorCode; state?: JsonValue }
  | { complete: JsonValue };

type JobKind = "import" | "start" | "stop" | "destroy" | "dryRun";

/**
 * What a template of the echo engine holds in `echo.json`: the steps of each kind of job. A kind that is
 * missing completes with nothing.
 */
export type EchoScript = Partial<Record<JobKind, EchoStep[]>> & {
  variables?: { name: string; required?: boolean; sensitive?: boolean; defaultValue?: string }[];
  readme?: string;
  workspaceTags?: Record<string, string>;
};

const POLL_MS = 10;

/** An engine that does what the template's script says: it serves tests of the protocol. */
export function createEchoEngine(): Engine {
  return {
    name: "echo",
    async importVersion(_input, run, learn) {
      const script = await readScript(run);
      await learn({
        templateVariables: script.variables ?? [],
        readme: Buffer.from(script.readme ?? ""),
        workspaceTags: script.workspaceTags ?? {},
      });
      const { result } = await perform(script.import ?? [], run);
      return fromJson(CompleteJobRequest_TemplateImportSchema, result);
    },
    async build(input, run) {
      const script = await readScript(run);
      const { result, state } = await perform(script[kindOf(input.metadata?.workspaceTransition)] ?? [], run);
      const build = fromJson(CompleteJobRequest_WorkspaceBuildSchema, result);
      if (build.state.byteLength === 0) build.state = state?.bytes ?? input.state;
      return build;
    },
    async dryRun(_input, run) {
      const { result } = await perform((await readScript(run)).dryRun ?? [], run);
      return fromJson(CompleteJobRequest_TemplateDryRunSchema, result);
    },
    leftovers: async () => ({ found: [], isSure: true }),
    close: async () => {},
  };
}

function kindOf(transition: WorkspaceTransition | undefined): JobKind {
  if (transition === WorkspaceTransition.STOP) return "stop";
  return transition === WorkspaceTransition.DESTROY ? "destroy" : "start";
}

async function readScript(run: EngineRun): Promise<EchoScript> {
  const file = await readTarFile(await run.source.read(), ECHO_FILE);
  if (file === null)
    throw new EngineFailure(`The template holds no ${ECHO_FILE}, which the echo engine needs.`);
  try {
    return JSON.parse(file.toString("utf8")) as EchoScript; // Tests write it against the type.
  } catch (error) {
    throw new EngineFailure(`${ECHO_FILE} is not JSON.`, { cause: error });
  }
}

async function perform(
  steps: EchoStep[],
  run: EngineRun,
): Promise<{ result: JsonValue; state: StateSnapshot | undefined }> {
  let state: StateSnapshot | undefined;
  const stop = () => new EngineFailure("The scripted job was interrupted.", { state });
  for (const step of steps) {
    if (run.force.aborted) throw stop();
    if (run.interrupt.aborted && !("complete" in step || "fail" in step)) throw stop();
    if ("log" in step) {
      for (let i = 0; i < (step.times ?? 1); i += 1) {
        await run.log({ level: step.level ?? "info", stage: step.stage ?? "Echo", output: step.log });
      }
    } else if ("fail" in step) {
      const reached = step.state === undefined ? state : snapshotOf(step.state);
      throw new EngineFailure(step.fail, {
        ...(step.code === undefined ? {} : { code: step.code }),
        state: reached,
      });
    } else if ("state" in step) {
      state = snapshotOf(step.state);
      run.saveState(state);
    } else if ("waitForFile" in step) {
      while (!(await exists(step.waitForFile))) {
        if (run.interrupt.aborted || run.force.aborted) throw stop();
        await sleep(POLL_MS);
      }
    } else if ("waitFor" in step) {
      const awaited = step.waitFor === "force" ? run.force : run.interrupt;
      while (!awaited.aborted && !run.force.aborted) await sleep(POLL_MS);
      if (run.force.aborted && step.waitFor !== "force") throw stop();
    } else {
      return { result: step.complete, state };
    }
  }
  return { result: {}, state };
}

function snapshotOf(json: JsonValue): StateSnapshot {
  const snapshot = parseStateSnapshot(Buffer.from(JSON.stringify(json)));
  if (snapshot === null) throw new EngineFailure("A scripted state needs version, lineage and serial.");
  return snapshot;
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
