import { Code, ConnectError, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { createRpcHandlers, type RpcHandlers } from "@slipway/mux";
import { ProvisionerDaemonService } from "@slipway/proto/provisionerd";
import { isPostgresAway, PostgresSilentError } from "../db/postgres-errors.ts";
import type { ProvisionerDaemonRow, ProvisionerJobRow } from "../db/schema.ts";
import { buildVersion } from "../deployment/version.ts";
import type { Deps } from "../deps.ts";
import { releaseUnconfirmed } from "../jobs/acquire-jobs.ts";
import type { Acquirer } from "../jobs/acquirer.ts";
import { completeJob } from "../jobs/complete-job.ts";
import { countBuild } from "../jobs/count-build.ts";
import { failJob } from "../jobs/fail-job.ts";
import { handInState } from "../jobs/hand-in-state.ts";
import { jobPayload } from "../jobs/job-payload.ts";
import { type LeaseRef, renewLease, unconfirmedLeaseMs } from "../jobs/lease.ts";
import { readLeasedFile } from "../jobs/leased-file.ts";
import { pushLogs } from "../jobs/push-logs.ts";
import { updateJob } from "../jobs/update-job.ts";
import { buildIdOf, uploadState } from "../jobs/upload-state.ts";
import { type DaemonSession, daemonSessionKey } from "./daemon-session.ts";
import { registerDaemon } from "./register-daemon.ts";

/** State travels in one message; Terraform states of tens of megabytes exist. */
export const maxDaemonMessageBytes = 64 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const MAX_WAIT_MS = 60_000;

/** The queue as daemons see it: the service of provisionerd.proto. Every write names the lease it rests on. */
export function createDaemonService(deps: Deps, acquirer: Acquirer, isAlone: () => boolean): RpcHandlers {
  const { db, config } = deps;
  const leaseMs = config.provisionerJobLeaseMs;

  async function acquireJob(
    session: DaemonSession,
    daemon: ProvisionerDaemonRow,
    waitMs: number,
    signal: AbortSignal,
  ) {
    const job = await acquirer.acquire(
      { organizationId: daemon.organization_id, provisioners: daemon.provisioners, tags: daemon.tags },
      { daemonId: daemon.id, daemonName: daemon.name },
      {
        waitMs: Math.min(Math.max(0, waitMs), MAX_WAIT_MS),
        signal: AbortSignal.any([signal, session.signal]),
      },
    );
    if (job === null) return {};
    try {
      const [payload] = await Promise.all([
        jobPayload(deps, job, unconfirmedLeaseMs(leaseMs)),
        announceStart(job),
      ]);
      if (signal.aborted) throw new ConnectError("The daemon has left.", Code.Canceled);
      session.held.add(heldKey(job.id, job.epoch));
      return { job: payload };
    } catch (error) {
      if (signal.aborted || isPostgresAway(error)) {
        // Nobody knows of the lease: it need not run out before another daemon takes the job.
        if (await releaseUnconfirmed(db, job.id, job.epoch))
          await deps.events.publish(db, "job_posted", job.organization_id);
        throw error;
      }
      await failUnprepared(job, daemon, error);
      return {};
    }
  }

  /** Waits for the job's cancellation: its daemon then learns of it at once. */
  async function becomesCanceled(jobId: string, waitMs: number, signal: AbortSignal): Promise<boolean> {
    const timeoutMs = Math.min(waitMs, leaseMs / 3);
    if (timeoutMs <= 0) return false;
    const isCanceled = async () => {
      const job = await db
        .selectFrom("provisioner_jobs")
        .select("canceled_at")
        .where("id", "=", jobId)
        .executeTakeFirst();
      return job?.canceled_at ? true : null;
    };
    return (await deps.events.waitFor("job", jobId, isCanceled, { signal, timeoutMs })) ?? false;
  }

  async function announceStart(job: ProvisionerJobRow): Promise<void> {
    const buildId = buildIdOf(job);
    if (buildId === null) return deps.events.publish(db, "job", job.id);
    const { workspace_id } = await db
      .selectFrom("workspace_builds")
      .select("workspace_id")
      .where("id", "=", buildId)
      .executeTakeFirstOrThrow();
    await deps.events.publishAll(db, [
      ["job", job.id],
      ["workspace", workspace_id],
    ]);
  }

  async function failUnprepared(
    job: ProvisionerJobRow,
    daemon: ProvisionerDaemonRow,
    error: unknown,
  ): Promise<void> {
    deps.log.error({ err: error, jobId: job.id }, "a job could not be prepared");
    const reason = error instanceof Error ? error.message : String(error);
    const lease = { jobId: job.id, epoch: job.epoch, daemonId: daemon.id };
    await failJob(deps, lease, {
      error: `The job could not be prepared and was invalidated: ${reason}`,
      errorCode: "",
      state: new Uint8Array(),
      timings: [],
    });
  }

  return createRpcHandlers(
    (router) =>
      router.service(ProvisionerDaemonService, {
        async register(request, context) {
          const session = sessionOf(context);
          session.daemon = await registerDaemon(db, session.identity, request);
          return {
            daemonId: session.daemon.id,
            leaseMs,
            accessUrl: config.accessUrl,
            organizationId: session.identity.organizationId,
            serverVersion: buildVersion,
            forceCancelMs: config.provisionerForceCancelIntervalMs,
          };
        },
        acquireJob: ({ waitMs }, context) =>
          acquireJob(sessionOf(context), daemonOf(context), waitMs, context.signal),
        async renewLease(request, context) {
          const lease = leaseOf(request, context);
          const { held } = sessionOf(context);
          const key = heldKey(lease.jobId, lease.epoch);
          const renew = async () => {
            const renewed = await renewLease(db, lease, leaseMs);
            held.add(key);
            return renewed.isCanceled || (await becomesCanceled(lease.jobId, request.waitMs, context.signal));
          };
          try {
            const canceled = await answerWithin(
              Math.min(request.waitMs, leaseMs / 3) + leaseMs / 10,
              renew(),
            );
            return { leaseMs, canceled };
          } catch (error) {
            if (isPostgresAway(error)) {
              // Another replica may have its database still, and take the job from its daemon.
              if (!isAlone()) throw tryAnotherReplica();
              // Nobody can take it, nor reap it soon after.
              if (held.has(key)) return { leaseMs, hold: true };
              throw error;
            }
            held.delete(key);
            throw error;
          }
        },
        async *downloadFile(request, context) {
          const lease = leaseOf(request, context);
          const data = await readLeasedFile(db, lease, uuidOr(request.fileId));
          for (let offset = 0; offset < data.byteLength; offset += CHUNK_BYTES) {
            yield { chunk: data.subarray(offset, offset + CHUNK_BYTES) };
          }
        },
        pushLogs: (request, context) =>
          pushLogs(deps, leaseOf(request, context), Number(request.firstSeq), request.logs),
        async updateJob(request, context) {
          return { variableValues: await updateJob(deps, leaseOf(request, context), request) };
        },
        async uploadState(request, context) {
          const { state, lineage, serial, creating } = request;
          const uploaded = { state, lineage, serial: Number(serial) };
          await uploadState(deps, leaseOf(request, context), uploaded, creating);
          return {};
        },
        async completeJob(request, context) {
          const lease = leaseOf(request, context);
          await completeJob(deps, lease, request.result, request);
          sessionOf(context).held.delete(heldKey(lease.jobId, lease.epoch));
          countBuild(deps, lease.jobId);
          return {};
        },
        async failJob(request, context) {
          const lease = leaseOf(request, context);
          await failJob(deps, lease, { ...request, lastLogs: request });
          sessionOf(context).held.delete(heldKey(lease.jobId, lease.epoch));
          countBuild(deps, lease.jobId);
          return {};
        },
        async handInState(request, context) {
          const daemon = daemonOf(context);
          return handInState(deps, {
            jobId: uuidOr(request.jobId),
            epoch: Number(request.epoch),
            state: request.state,
            lineage: request.lineage,
            serial: Number(request.serial),
            organizationId: daemon.organization_id,
            keyId: daemon.key_id,
            ownerId: daemon.owner_id,
          });
        },
      }),
    { interceptors: [convertErrors(deps)], maxMessageBytes: maxDaemonMessageBytes },
  );
}

/** A Postgres that is frozen says nothing for long; the daemon must be told to hold before it gives its job up. */
function answerWithin<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new PostgresSilentError()), timeoutMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function sessionOf(context: HandlerContext): DaemonSession {
  const session = context.values.get(daemonSessionKey);
  if (session === null) throw new ConnectError("This is not a daemon's connection.", Code.Unauthenticated);
  return session;
}

function daemonOf(context: HandlerContext): ProvisionerDaemonRow {
  const { daemon } = sessionOf(context);
  if (daemon === null) throw new ConnectError("Register first.", Code.FailedPrecondition);
  return daemon;
}

function leaseOf(request: { jobId: string; epoch: bigint }, context: HandlerContext): LeaseRef {
  return { jobId: uuidOr(request.jobId), epoch: Number(request.epoch), daemonId: daemonOf(context).id };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function uuidOr(text: string): string {
  if (!uuid.test(text)) throw new ConnectError("An id in the request is not a UUID.", Code.InvalidArgument);
  return text;
}

const heldKey = (jobId: string, epoch: number) => `${jobId} ${epoch}`;

function tryAnotherReplica(): ConnectError {
  return new ConnectError("This replica cannot reach the database. Try another one.", Code.Unavailable, {
    "try-another-replica": "true",
  });
}

/** A daemon that was frozen or cut off and comes back: what it wanted to change stays as it is. */
function logRefusal({ log }: Pick<Deps, "log">, request: Parameters<ReturnType<Interceptor>>[0]): void {
  const daemon = request.contextValues.get(daemonSessionKey)?.daemon;
  const jobId = "jobId" in request.message ? request.message.jobId : undefined;
  log.warn(
    { method: request.method.name, jobId, daemon: daemon?.name },
    "refused a daemon's call about a job that is not leased to it any more",
  );
}

/** A daemon learns that it may ask again when the database is away, and nothing of what went wrong inside. */
function convertErrors(deps: Pick<Deps, "log">): Interceptor {
  return (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      if (error instanceof ConnectError) {
        if (error.code === Code.Aborted) logRefusal(deps, request);
        throw error;
      }
      // It has ended the job meanwhile, or is gone: nothing went wrong.
      if (request.signal.aborted) throw new ConnectError("The daemon waits no more.", Code.Canceled);
      if (isPostgresAway(error)) {
        throw new ConnectError("The database cannot be reached at the moment.", Code.Unavailable);
      }
      deps.log.error({ err: error, method: request.method.name }, "a daemon's call failed");
      throw new ConnectError("An internal error occurred. The server's log has the details.", Code.Internal);
    }
  };
}
