import { setTimeout as sleep } from "node:timers/promises";
import { ApiResponseError, type Client, workspaces } from "@slipway/api/client";
import type { Cli } from "../../cli.ts";
import { socketMessages } from "../../socket-messages.ts";

type Workspace = workspaces.Workspace;

/**
 * Calls `onEnd` with the reason when the workspace stops, is deleted or is built anew: its agent may go without a
 * goodbye (agent-and-apps.md 2.2). Server restarts are waited for; the interval is the longest pause between two looks.
 */
export async function watchForEnd(
  cli: Cli,
  client: Client,
  workspace: Workspace,
  options: { pollMs: number; signal: AbortSignal; onEnd(reason: string): void },
): Promise<void> {
  const { signal, pollMs } = options;
  const params = { workspace: workspace.id };
  const look = (seen: Workspace): boolean => {
    const reason = endOf(workspace, seen);
    if (reason !== undefined) options.onEnd(reason);
    return reason !== undefined;
  };
  let pauseMs = 1_000;
  /** Why the server stopped showing it, in the server's words. */
  let said: string | undefined;
  while (!signal.aborted) {
    try {
      for await (const text of socketMessages(
        cli,
        client.webSocket(workspaces.watchWorkspaceWs, { params }),
        signal,
      )) {
        pauseMs = 1_000;
        const message = JSON.parse(text) as { type: string; data: unknown };
        // The route's own message: data is a workspace.
        if (message.type === "data" && look(message.data as Workspace)) return;
        said = message.type === "error" ? (message.data as { message?: string }).message : undefined;
      }
      if (look(await client.call(workspaces.getWorkspace, { params, signal }))) return;
    } catch (err) {
      if (signal.aborted) return;
      if (err instanceof ApiResponseError && (err.status === 404 || err.status === 410))
        return options.onEnd(said ?? "The workspace was deleted, or you may not see it any more.");
      cli.debug(`watch: ${err instanceof Error ? err.message : String(err)}`);
    }
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {}); // Aborted: the loop ends.
    pauseMs = Math.min(pauseMs * 2, pollMs);
  }
}

/** Why the agent of `then` cannot be used any more, as `now` shows it. */
export function endOf(then: Workspace, now: Workspace): string | undefined {
  const build = now.latest_build;
  // A build that only waits in the queue has not touched anything yet.
  if (build.id === then.latest_build.id || build.status === "pending") return undefined;
  if (build.transition === "delete") return `The workspace ${now.name} is being deleted.`;
  if (build.transition === "stop") return `The workspace ${now.name} is being stopped.`;
  return `The workspace ${now.name} is being built anew.`;
}
