import { setTimeout as sleep } from "node:timers/promises";
import { ApiConnectionError, ApiResponseError, type jobs } from "@slipway/api/client";
import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";
import { openLiveLine } from "./output/live-line.ts";
import { createStageView, type StageView } from "./output/stage-view.ts";
import { socketMessages } from "./socket-messages.ts";
import { warnUnmatched } from "./warn-unmatched.ts";

type Job = jobs.ProvisionerJob;
type Log = jobs.ProvisionerJobLog;

export type FollowedJob = {
  /** What the job is, for messages: "build of dev", "import". */
  title: string;
  fetch(): Promise<Job>;
  /** Address of the socket with the logs that come after the one with this id. */
  logs(after: number): { url: string; headers: Record<string, string> };
  cancel(): Promise<unknown>;
  /** Show the logs only when the job fails. */
  quiet?: boolean;
};

/** How long a server may be away before we stop waiting for it; the job itself goes on. */
const patienceMs = 10 * 60_000;
const pendingPollMs = 1000;
const maxQuietLines = 1000;

/**
 * Shows a job's logs by stage until it has ended, and returns it when it succeeded; otherwise throws its error.
 * While it waits for a provisioner daemon, that is explained; that there is none for it is said at once.
 * The first Ctrl-C cancels the job and goes on showing it, the second leaves it to itself. A server that goes away
 * meanwhile is waited for.
 */
export async function followJob(cli: Cli, initial: Job, followed: FollowedJob): Promise<Job> {
  const said = warnUnmatched(cli, initial);
  const live = openLiveLine(cli.stderr, cli.env);
  const view = createStageView(live, cli.err);
  const leave = new AbortController();
  const quietLines: Log[] = [];
  let isCanceling = false;

  const onInterrupt = () => {
    const reason: unknown = cli.signal.reason;
    // SIGTERM means: end now. The job belongs to the server and goes on.
    if (!(reason instanceof CliError && reason.exitCode === 130)) return leave.abort(reason);
    isCanceling = true;
    live.print("Gracefully canceling… Press Ctrl-C again to leave it to itself.");
    followed.cancel().catch((err: unknown) => {
      // It may have ended just now, which the loop below is about to see.
      if (err instanceof ApiResponseError && (err.status === 412 || err.status === 400)) return;
      leave.abort(notCanceled(followed.title, err));
    });
  };
  cli.signal.addEventListener("abort", onInterrupt, { once: true });
  if (cli.signal.aborted) onInterrupt();

  const showLog = (log: Log) => {
    const at = new Date(log.created_at);
    if (log.stage) view.stage(log.stage, at);
    if (
      log.output === "" ||
      ((log.log_level === "debug" || log.log_level === "trace") && !cli.globals.verbose)
    )
      return;
    if (!followed.quiet) view.line(log.output, log.log_level);
    else if (quietLines.push(log) > maxQuietLines) quietLines.shift();
  };

  try {
    view.stage("Queued", new Date(initial.created_at));
    const job = await untilEnded(cli, initial, followed, { view, said, showLog, signal: leave.signal });
    const endedAt = new Date(job.completed_at ?? Date.now());
    if (job.status === "succeeded") {
      view.end("done", endedAt);
      return job;
    }
    view.end(job.status === "canceled" ? "canceled" : "failed", endedAt);
    for (const log of quietLines) view.line(log.output, log.log_level);
    throw endOf(job, followed.title, isCanceling);
  } finally {
    cli.signal.removeEventListener("abort", onInterrupt);
    view.close();
  }
}

async function untilEnded(
  cli: Cli,
  initial: Job,
  followed: FollowedJob,
  {
    view,
    said,
    showLog,
    signal,
  }: { view: StageView; said: string | undefined; showLog(log: Log): void; signal: AbortSignal },
): Promise<Job> {
  let after = 0;
  let job = initial;
  const stopPending = watchPending(followed, initial, { view, said, signal });
  let lastContact = Date.now();
  let pauseMs = 250;
  try {
    while (!isEnded(job)) {
      try {
        for await (const text of socketMessages(cli, followed.logs(after), signal)) {
          stopPending();
          // The route's own message type: the contract that server and client share.
          const log = JSON.parse(text) as Log;
          after = log.id;
          showLog(log);
          lastContact = Date.now();
          pauseMs = 250;
        }
      } catch (err) {
        if (signal.aborted) throw signal.reason;
        cli.debug(`logs: ${err instanceof Error ? err.message : String(err)}`);
      }
      const fetched = await followed.fetch().catch((err: unknown) => {
        if (!isPassing(err) || Date.now() - lastContact > patienceMs) throw err;
        view.note("the server is away, waiting for it");
        return undefined;
      });
      if (fetched) {
        job = fetched;
        lastContact = Date.now();
      }
      if (isEnded(job)) break;
      await sleep(pauseMs, undefined, { signal }).catch(() => {
        throw signal.reason;
      });
      pauseMs = Math.min(pauseMs * 2, 5000);
      if (fetched) view.note(undefined);
    }
    return job;
  } finally {
    stopPending();
  }
}

/** While the job waits for a daemon: says why, and leaves the stage "Queued" when one has taken it. */
function watchPending(
  followed: FollowedJob,
  initial: Job,
  { view, said, signal }: { view: StageView; said: string | undefined; signal: AbortSignal },
): () => void {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  void (async () => {
    let job = initial;
    // Most jobs are taken at once: a second passes before there is anything to explain.
    while (job.status === "pending") {
      await sleep(pendingPollMs, undefined, { signal: either });
      job = await followed.fetch();
      if (either.aborted) return;
      const reason = waitingFor(job);
      // The warning above stands as long as nothing has changed.
      if (job.status === "pending") view.note(reason === said ? undefined : reason);
    }
    if (job.started_at && !isEnded(job)) view.stage("Running", new Date(job.started_at));
  })().catch(() => {}); // Only a notice: the loop that follows the job meets the same error and deals with it.
  return () => stop.abort();
}

function waitingFor(job: Job): string | undefined {
  if (job.pending_reason) return job.pending_reason;
  if (job.queue_position > 0) return `position ${job.queue_position} of ${job.queue_size} in the queue`;
  return undefined;
}

export function isEnded(job: Job): boolean {
  return job.status === "succeeded" || job.status === "failed" || job.status === "canceled";
}

/** Will it pass by itself? No answer, or one that says "not now". */
function isPassing(err: unknown): boolean {
  return err instanceof ApiConnectionError || (err instanceof ApiResponseError && err.status >= 502);
}

function endOf(job: Job, title: string, byUs: boolean): CliError {
  if (job.status === "canceled") {
    return new CliError(`The ${title} was canceled.`, { exitCode: byUs ? 130 : 1 });
  }
  const reason = job.error?.trim() || "no reason was recorded";
  return new CliError(
    `The ${title} failed: ${reason}`,
    job.logs_overflowed ? { hint: "Its log grew beyond the limit and was cut." } : {},
  );
}

function notCanceled(title: string, err: unknown): CliError {
  const why = err instanceof Error ? err.message : String(err);
  return new CliError(`The ${title} could not be canceled and goes on: ${why}`, {
    exitCode: 130,
    cause: err,
  });
}
