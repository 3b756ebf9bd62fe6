import type { EngineRun } from "../engine.ts";
import { agentScripts } from "./agent-scripts.ts";
import type { Creations } from "./creations.ts";
import type { EngineDeps } from "./engine-deps.ts";
import { type JobEnvironment, jobEnvironment, secretsOfJob } from "./environment.ts";
import type { Prepared } from "./prepare-version.ts";
import { secretsOfEnvironment } from "./redact.ts";
import type { TerraformSetup } from "./setup.ts";
import { createTerraformRun, type TerraformRun } from "./terraform-run.ts";
import type { WorkDir } from "./work-dirs.ts";

export type JobRunOptions = {
  run: EngineRun;
  setup: TerraformSetup;
  workDir: WorkDir;
  prepared: Prepared;
  environment: Pick<JobEnvironment, "metadata" | "transition" | "parameters" | "variables"> &
    Partial<JobEnvironment>;
  creations?: Creations;
  isVerbose?: boolean;
};

/** The commands of a job on a prepared version: with its environment, and its secrets kept out of the log. */
export function runForJob(deps: EngineDeps, options: JobRunOptions): TerraformRun {
  const { prepared, environment: given, ...rest } = options;
  const environment: JobEnvironment = {
    previousParameters: [],
    externalAuth: [],
    agentScripts: agentScripts(),
    ...given,
  };
  return createTerraformRun({
    ...rest,
    supervisor: deps.supervisor(),
    env: { ...deps.host, ...jobEnvironment(environment) },
    secrets: [
      ...secretsOfEnvironment(deps.host),
      ...secretsOfJob(environment, new Set(prepared.sensitiveVariables)),
    ],
  });
}
