import { Code, ConnectError } from "@connectrpc/connect";
import type { Job } from "@slipway/proto/provisionerd";
import {
  type BuildResult,
  type DryRunResult,
  type Engine,
  EngineFailure,
  type EngineRun,
  type ImportResult,
  type StateSnapshot,
} from "../engine/engine.ts";
import { parseStateSnapshot } from "../engine/terraform/state-snapshot.ts";
import type { Connection } from "./connection.ts";
import type { DaemonLog } from "./daemon-log.ts";
import { jobFile } from "./download-file.ts";
import { holdLease, type Lease, type LeaseEnd } from "./lease.ts";
import { createLogShipper, type LastLines } from "./log-shipper.ts";
import type { PendingStates } from "./pending-states.ts";
import { createStateShipper } from "./state-shipper.ts";

export type RunJobOptions = {
  connection: Connection;
  job: Job;
  engines: readonly Engine[];
  /** Takes the state that was reached and could not be reported. */
  keepState: PendingStates["keep"];
  log: DaemonLog;
  forceCancelMs: number;
  now(): Date;
  /** Called with the job's lease as soon as it is held. */
  onLease(lease: Lease): void;
};

type Result =
  | { case: "workspaceBuild"; value: BuildResult }
  | { case: "templateImport"; value: ImportResult }
  | { case: "templateDryRun"; value: DryRunResult };

/** How a job ended, in the words of the metrics. */
export type JobOutcome = "success" | "failed";

/** Runs one job to its end and reports that, over as many connections as it takes while the lease lives. */
export async function runJob(options: RunJobOptions): Promise<JobOutcome> {
  const { connection, job, log } = options;
  const lease = holdLease({ connection, job, log, forceCancelMs: options.forceCancelMs });
  options.onLease(lease);
  const logs = createLogShipper({ connection, job, lease, log, now: options.now });
  const states = createStateShipper({ connection, job, lease, log });
  let cleanUps: (() => Promise<void>)[] = [];
  const run: EngineRun = {
    jobId: job.jobId,
    epoch: job.epoch,
    ...filesOf(connection, job, lease.interrupt),
    log: (line) => logs.push(line),
    saveState: states.save,
    noteCreating: states.noteCreating,
    afterReport: (cleanUp) => cleanUps.push(cleanUp),
    interrupt: lease.interrupt,
    force: lease.force,
    leaseRemainingMs: lease.remainingMs,
  };
  try {
    if (!(await lease.confirmed)) {
      log.warn({ jobId: job.jobId }, "the job was not begun: it reached us too late, and may be another's");
      return "failed";
    }
    log.info({ jobId: job.jobId, type: job.input.case }, "job started");
    const { outcome, unreported } = await runAndReport(options, lease, run, async () => {
      const [lastLines] = await Promise.all([logs.finish(), states.settled()]);
      return lastLines;
    });
    log.info({ jobId: job.jobId, outcome }, "job ended");
    if (unreported !== null && !(await options.keepState(job.jobId, job.epoch, unreported))) {
      // Its directory is the only place on disk that has the state: the next process of this host finds it there.
      cleanUps = [];
    }
    return outcome;
  } finally {
    lease.release();
    await Promise.all(cleanUps.map((cleanUp) => cleanUp()));
  }
}

function filesOf(
  connection: Connection,
  job: Job,
  signal: AbortSignal,
): Pick<EngineRun, "source" | "modules"> {
  const { moduleFiles } = job;
  const source = {
    name: "The template's archive",
    id: job.fileId,
    hash: job.fileHash,
    sizeBytes: Number(job.fileSizeBytes),
  };
  const modules = moduleFiles && {
    name: "The archive of the template's modules",
    id: moduleFiles.fileId,
    hash: moduleFiles.hash,
    sizeBytes: Number(moduleFiles.sizeBytes),
  };
  return {
    source: jobFile(connection, job, source, signal),
    modules: modules === undefined ? null : jobFile(connection, job, modules, signal),
  };
}

async function runAndReport(
  options: RunJobOptions,
  lease: Lease,
  run: EngineRun,
  settle: () => Promise<LastLines>,
): Promise<{ outcome: JobOutcome; unreported: StateSnapshot | null }> {
  const { connection, job } = options;
  let failure: EngineFailure;
  let reached: StateSnapshot | null = null;
  try {
    const result = await perform(options, run);
    if (result.case === "workspaceBuild") {
      reached = parseStateSnapshot(result.value.state ?? new Uint8Array());
    }
    const lastLines = await settle();
    await connection.call(lease.over, (client, signal) =>
      client.completeJob({ jobId: job.jobId, epoch: job.epoch, result, ...lastLines }, { signal }),
    );
    return { outcome: "success", unreported: null };
  } catch (error) {
    failure = toFailure(error, lease.reason());
    reached = failure.state ?? reached;
  }
  const kept = { outcome: "failed", unreported: reached } as const;
  if (isOver(failure.cause, lease)) {
    options.log.warn(
      { jobId: job.jobId, reason: lease.reason(), err: failure },
      "the job ended without its lease",
    );
    return kept;
  }
  const report = async (error: string, state: StateSnapshot | null) => {
    await run.log({ level: "error", stage: "Cleaning Up", output: error });
    const lastLines = await settle();
    await connection.call(lease.over, (client, signal) =>
      client.failJob(
        {
          jobId: job.jobId,
          epoch: job.epoch,
          error,
          errorCode: failure.code,
          state: state?.bytes ?? new Uint8Array(),
          timings: failure.timings,
          diagnostics: failure.diagnostics,
          ...lastLines,
        },
        { signal },
      ),
    );
  };
  try {
    if (reached !== null && isTooLarge(failure.cause)) {
      // The result was refused for its state: that is not sent twice.
      await report(describeTooLarge(reached), null);
      return kept;
    }
    try {
      await report(failure.message, reached);
      return { outcome: "failed", unreported: null };
    } catch (error) {
      if (reached === null || !isTooLarge(error)) throw error;
      await report(`${failure.message}\n${describeTooLarge(reached)}`, null);
    }
  } catch (error) {
    options.log.warn({ jobId: job.jobId, err: error }, "the job's end could not be reported");
  }
  return kept;
}

const isTooLarge = (error: unknown) => error instanceof ConnectError && error.code === Code.ResourceExhausted;

const describeTooLarge = ({ bytes }: StateSnapshot) =>
  `The state that the build reached has ${bytes.byteLength} bytes, more than can be stored (60 MiB). The server has an older one. This one is kept on the provisioner's host, in the directory "pending" of its cache: what it holds beyond the older one is to be removed by hand. Make fewer or smaller resources in this template, then try again.`;

async function perform(options: RunJobOptions, run: EngineRun): Promise<Result> {
  const { job, connection } = options;
  const engine = options.engines.find(({ name }) => name === job.provisioner);
  if (engine === undefined) throw new EngineFailure(`This daemon has no engine "${job.provisioner}".`);
  switch (job.input.case) {
    case "workspaceBuild":
      return { case: "workspaceBuild", value: await engine.build(job.input.value, run) };
    case "templateDryRun":
      return { case: "templateDryRun", value: await engine.dryRun(job.input.value, run) };
    case "templateImport": {
      const learn = async (learnt: Parameters<Parameters<Engine["importVersion"]>[2]>[0]) => {
        const { variableValues } = await connection.call(run.interrupt, (client, signal) =>
          client.updateJob({ jobId: job.jobId, epoch: job.epoch, ...learnt }, { signal }),
        );
        return variableValues;
      };
      return { case: "templateImport", value: await engine.importVersion(job.input.value, run, learn) };
    }
    default:
      throw new EngineFailure("The job is of a type that this daemon does not know. Update the daemon.");
  }
}

const REASONS: Partial<Record<LeaseEnd, string>> = {
  canceled: "The job was canceled.",
  "cancel-timeout": "Cancel timed out: the job did not end by itself and was killed.",
  expired: "The provisioner daemon lost contact to the server and interrupted the job.",
  stopped: "The provisioner daemon was shut down gracefully while the job was running.",
};

function toFailure(error: unknown, why: LeaseEnd | null): EngineFailure {
  const found =
    error instanceof EngineFailure
      ? error
      : new EngineFailure(error instanceof Error ? error.message : String(error), { cause: error });
  const reason = why === null ? undefined : REASONS[why];
  if (reason === undefined && found.unsaved.length === 0) return found;
  const { code, state, unsaved, diagnostics, timings } = found;
  const message = `${reason ?? found.message}${describeUnsaved(unsaved)}`;
  return new EngineFailure(message, {
    code,
    state,
    unsaved,
    diagnostics,
    timings,
    cause: found.cause ?? found,
  });
}

function describeUnsaved(addresses: readonly string[]): string {
  if (addresses.length === 0) return "";
  return `\nWas being created, is not in the state and may exist all the same: ${addresses.join(", ")}.`;
}

/** Whether no word about the job can reach the server under this lease. */
function isOver(cause: unknown, lease: Lease): boolean {
  return lease.over.aborted || (cause instanceof ConnectError && cause.code === Code.Aborted);
}
