import type { AnyRoute, jobs } from "@slipway/api";
import type { FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import type { LiveAccess, TemplateEntry, WorkspaceEntry } from "../connections/live-access.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import type { Auth } from "../http/auth.ts";
import { toApiError } from "../http/error-answers.ts";
import { handled, type RouteRequest, registerRoute } from "../http/register-route.ts";
import { sseStream } from "../http/sse.ts";
import { acceptWebSocket, closeWithError } from "../http/websocket-route.ts";
import { followJobLogs } from "./follow-job-logs.ts";
import { readJobLogs } from "./read-job-logs.ts";

const MAX_BUFFERED_BYTES = 1024 * 1024;

type LogQuery = {
  follow?: boolean | undefined;
  after?: number | undefined;
  before?: number | undefined;
  format?: "json" | "text" | undefined;
};

/** On what the right to follow rests; who loses it is cut off, with the reason. */
type Ground = { live: LiveAccess; auth: Auth } & (
  | Pick<WorkspaceEntry, "workspaceId">
  | Pick<TemplateEntry, "templateId" | "isSeenBy">
);

/**
 * Registers a route for the log of a job (provisioning.md §1.11): an array, with `format=text` plain lines, with
 * `follow` a WebSocket with one line per message, or one event per line for those who ask for events, which closes
 * when the job has ended. `resolveJob` finds the job and refuses who may not see it.
 */
export function registerJobLogRoute<R extends AnyRoute>(
  app: App,
  deps: Deps,
  route: R,
  resolveJob: (req: RouteRequest<R>) => Promise<{ id: string; ground: Ground }>,
): void {
  registerRoute(app, route, async (req) => {
    const job = await resolveJob(req);
    // Every such route has the query of `JobLogsQuery`, and the answer that goes with it.
    const query = req.query as LogQuery;
    if (query.follow) {
      if (query.format === "text") {
        throw new ApiError("bad_request", "format=text does not go with follow: leave one of them out.");
      }
      const withdrawn = new AbortController();
      const leave = enter(job.ground, withdrawn);
      try {
        if (wantsEvents(req.raw)) await followAsEvents(deps, req, job.id, query, withdrawn.signal);
        else await follow(app, deps, await acceptWebSocket(app, req), job.id, query, withdrawn.signal);
      } finally {
        leave();
      }
      return handled;
    }
    const logs = await readJobLogs(deps.db, job.id, query);
    if (query.format === "text") {
      await req.reply.type("text/plain; charset=utf-8").send(logs.map(toText).join(""));
      return handled;
    }
    return { status: 200, body: logs } as never;
  });
}

function enter({ live, auth, ...ground }: Ground, withdrawn: AbortController): () => void {
  const person = {
    userId: auth.user.id,
    keyId: auth.key.id,
    cut: (reason: string) => withdrawn.abort(new ApiError("forbidden", reason)),
  };
  return live.enter(
    "workspaceId" in ground
      ? { ...person, ...ground, action: "read", kind: "build log" }
      : { ...person, ...ground, kind: "template log" },
  );
}

async function follow(
  app: App,
  deps: Deps,
  socket: WebSocket,
  jobId: string,
  query: LogQuery,
  withdrawn: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, deps.signal, withdrawn]);
  socket.on("close", () => gone.abort());
  try {
    for await (const page of followJobLogs(deps, jobId, {
      after: query.after,
      before: query.before,
      signal,
    })) {
      for (const line of page) socket.send(JSON.stringify(line));
      // A client that reads nothing holds back this loop, not our memory.
      if (socket.bufferedAmount > MAX_BUFFERED_BYTES) await drained(socket, signal);
    }
    withdrawn.throwIfAborted();
    if (!deps.signal.aborted) socket.close(1000, "The job has ended.");
  } catch (error) {
    closeWithError(socket, error, app);
  }
}

function wantsEvents({ headers }: FastifyRequest): boolean {
  return headers.upgrade === undefined && (headers.accept?.includes("text/event-stream") ?? false);
}

/** Each event has the number of its line as its id, after which a client that reconnects goes on by itself. */
async function followAsEvents(
  deps: Deps,
  req: Pick<RouteRequest<AnyRoute>, "raw" | "reply" | "signal">,
  jobId: string,
  query: LogQuery,
  withdrawn: AbortSignal,
): Promise<void> {
  const lastSeen = Number(req.raw.headers["last-event-id"]);
  const after = Number.isSafeInteger(lastSeen) ? Math.max(lastSeen, query.after ?? 0) : query.after;
  const stream = sseStream(req);
  const signal = AbortSignal.any([stream.signal, deps.signal, withdrawn]);
  try {
    for await (const page of followJobLogs(deps, jobId, { after, before: query.before, signal })) {
      for (const line of page) {
        stream.send("data", line, line.id);
        await stream.hasRoom();
      }
    }
    withdrawn.throwIfAborted();
  } catch (error) {
    const refusal = toApiError(error);
    if (refusal.code === "internal") deps.log.error({ err: error, jobId }, "following a job's log failed");
    stream.send("error", refusal.toBody());
  } finally {
    stream.end();
  }
}

/** Resolves when everything sent so far has left, or the signal aborts. */
function drained(socket: WebSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (socket.bufferedAmount <= MAX_BUFFERED_BYTES / 2 || signal.aborted) done();
    }, 50);
    const done = () => {
      clearInterval(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done);
  });
}

function toText(line: jobs.ProvisionerJobLog): string {
  return `${line.created_at} [${line.log_level}] ${line.stage}: ${line.output}\n`;
}
