import { type Client, workspaces } from "@slipway/api/client";
import type { Cli } from "../../cli.ts";
import type { ReadyAgent } from "../../ready-agent.ts";

const everyMs = 60_000;
const known: ReadonlySet<string> = new Set(["ssh", "vscode", "jetbrains", "reconnecting-pty"]);

/** The name under which usage counts: `disable` means none, and an unknown editor is SSH. */
export function usageAppName(flag: string | undefined): string | undefined {
  if (flag === "disable") return undefined;
  return flag !== undefined && known.has(flag) ? flag : "ssh";
}

/** Tells the server each minute that the workspace is in use, so that it is not stopped meanwhile. */
export function startUsageReports(
  cli: Cli,
  client: Client,
  { workspace, agent }: ReadyAgent,
  appName: string,
  /** Only while this is true, where given: a forwarded port without a connection is no use. */
  isUsed: () => boolean = () => true,
): () => void {
  const stopping = new AbortController();
  const report = () => {
    if (!isUsed()) return;
    client
      .call(workspaces.postWorkspaceUsage, {
        params: { workspace: workspace.id },
        body: { agent_id: agent.id, app_name: appName },
        signal: stopping.signal,
      })
      .catch((err: unknown) => cli.debug(`usage: ${err instanceof Error ? err.message : String(err)}`));
  };
  // Not at once: a command that takes no time is no session.
  const first = setTimeout(report, 1_000).unref();
  const timer = setInterval(report, everyMs).unref();
  return () => {
    clearTimeout(first);
    clearInterval(timer);
    stopping.abort();
  };
}
