import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { createEchoEngine, type Engine, EngineFailure } from "@slipway/provisionerd";

/** What the engines of all daemons have done: it is real, as machines in a cloud are, whatever the server knows of it. */
export type StormLedger = {
  engine: Engine;
  /** The last serial that a job has reached under an epoch. */
  reached(jobId: string, epoch: number): number | undefined;
  /** What must not be: engines that ran for one workspace at the same time. */
  readonly meetings: readonly string[];
};

/** Builds of a few steps, each of which logs a line and reaches a state. */
export function createStormLedger(options: {
  random(): number;
  workspaceOf(jobId: string): string;
  longStepMs: number;
}): StormLedger {
  const { random, workspaceOf, longStepMs } = options;
  const serials = new Map<string, number>();
  const running = new Map<string, string>();
  const meetings: string[] = [];

  const build: Engine["build"] = async (input, run) => {
    const job = `${run.jobId} ${run.epoch}`;
    const workspace = workspaceOf(run.jobId);
    const other = running.get(workspace);
    if (other !== undefined) meetings.push(`${job} met ${other}`);
    running.set(workspace, job);
    try {
      const before = input.state.byteLength === 0 ? null : parse(input.state);
      const lineage = before?.lineage ?? randomUUID();
      let serial = before?.serial ?? 0;
      let state: { bytes: Uint8Array; lineage: string; serial: number } | undefined;
      const steps = 1 + Math.floor(random() * 6);
      // Some builds have a step that outlasts the lease of a daemon that was cut off.
      const longStep = random() < 0.15 ? 0 : null;
      for (let step = 0; step < steps; step++) {
        run.log({ level: "info", stage: "Storm", output: `step ${step}` });
        // Cut short when the job is; a step that has begun is done, as Terraform's is.
        const stepMs = step === longStep ? longStepMs : random() * 200;
        await delay(stepMs, undefined, { signal: run.interrupt }).catch(() => {});
        if (run.force.aborted) break;
        serial += 1;
        const bytes = Buffer.from(JSON.stringify({ version: 4, lineage, serial, resources: [] }));
        state = { bytes, lineage, serial };
        serials.set(job, serial);
        run.saveState(state);
        if (run.interrupt.aborted) break;
      }
      if (run.interrupt.aborted || run.force.aborted)
        throw new EngineFailure("The build was interrupted.", { state });
      return { state: state?.bytes ?? input.state };
    } finally {
      if (running.get(workspace) === job) running.delete(workspace);
    }
  };
  return {
    engine: { ...createEchoEngine(), build },
    reached: (jobId, epoch) => serials.get(`${jobId} ${epoch}`),
    meetings,
  };
}

function parse(state: Uint8Array): { lineage: string; serial: number } {
  return JSON.parse(Buffer.from(state).toString("utf8")); // Written above.
}
