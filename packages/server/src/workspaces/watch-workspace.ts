import type { Response, workspaces } from "@slipway/api";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { Auth } from "../http/auth.ts";
import { findWorkspace } from "./find-workspace.ts";
import { toApiWorkspaces } from "./to-api-workspaces.ts";

// Agents' states also change by time alone: one that is silent becomes disconnected.
const refreshEveryMs = 15_000;
/** Logs and metadata come in bursts: a watcher gets at most one workspace in this time. */
const minIntervalMs = 250;
/** How soon a watcher who had no room is asked again. */
const retryMs = 750;

export type WatchSink = {
  /** False when there is no room for it now: it is sent again later, as it is by then. */
  data(workspace: workspaces.Workspace): boolean;
  error(error: Response): void;
};

/**
 * Sends the workspace now and whenever it has changed, until the signal is aborted or the workspace is out of
 * sight. What did not change is not sent again.
 */
export async function watchWorkspace(
  deps: Deps,
  options: { auth: Auth; workspaceId: string; signal: AbortSignal; sink: WatchSink },
): Promise<void> {
  const { auth, workspaceId, signal, sink } = options;
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const followed = followTopics(deps, wake);
  followed.set([["workspace", workspaceId]]);
  signal.addEventListener("abort", wake);
  try {
    let last = "";
    while (!signal.aborted) {
      changed = Promise.withResolvers();
      const workspace = await readWorkspace(deps, auth, workspaceId);
      const isNew = followed.set([
        ["workspace", workspaceId],
        ["job", workspace.latest_build.job.id],
        ...workspace.latest_build.resources
          .flatMap((resource) => resource.agents ?? [])
          .map((agent) => ["agent", agent.id] as const),
      ]);
      // Something may have happened to what is followed only from now on: it is read once more.
      if (isNew) wake();
      const text = JSON.stringify(workspace);
      const isSent = text === last || signal.aborted || sink.data(workspace);
      if (isSent) last = text;
      await pause(minIntervalMs, signal);
      const refresh = setTimeout(wake, isSent ? refreshEveryMs - minIntervalMs : retryMs);
      if (!signal.aborted) await changed.promise;
      clearTimeout(refresh);
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    sink.error(error.toBody());
  } finally {
    signal.removeEventListener("abort", wake);
    followed.set([]);
  }
}

async function readWorkspace(deps: Deps, auth: Auth, id: string): Promise<workspaces.Workspace> {
  const row = await findWorkspace(deps.db, auth.subject, id, { includeDeleted: true });
  const [workspace] = await toApiWorkspaces(deps.db, deps, auth, [row]);
  if (!workspace) throw new Error(`The workspace ${id} could not be shown.`);
  return workspace;
}

type Topic = readonly ["workspace" | "job" | "agent", string];

/** Keeps subscriptions to a changing set of things, without a gap for those that stay. */
function followTopics(deps: Deps, wake: () => void) {
  const held = new Map<string, () => void>();
  return {
    /** Returns whether there is something that was not followed before. */
    set(topics: readonly Topic[]): boolean {
      const wanted = new Map(topics.map((topic) => [topic.join(" "), topic]));
      let isNew = false;
      for (const [key, [topic, id]] of wanted) {
        if (held.has(key)) continue;
        held.set(key, deps.events.subscribe(topic, id, wake));
        isNew = true;
      }
      for (const [key, unsubscribe] of held) {
        if (wanted.has(key)) continue;
        unsubscribe();
        held.delete(key);
      }
      return isNew;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
