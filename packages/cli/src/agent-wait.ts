import { setTimeout as sleep } from "node:timers/promises";
import { ApiConnectionError, ApiResponseError, agents, type Client } from "@slipway/api/client";
import { agentLogs } from "./agent-logs.ts";
import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";
import { isExecutableInTheMaking } from "./executable-wait.ts";
import { openLiveLine } from "./output/live-line.ts";
import { createStageView, type StageView } from "./output/stage-view.ts";

type Agent = agents.WorkspaceAgent;

export type AgentWait = {
  /** Wait for the start scripts too, and show what they print; else only for the connection. */
  wait: boolean;
  /** Fail when the agent has not connected within its own time limit, instead of waiting on. */
  giveUp?: boolean;
};

const connectStage = "Waiting for the workspace agent to connect";
/** A warm agent is there by then. */
const askAfterMs = 3_000;
const scriptsStage = "Running workspace agent startup scripts";

/**
 * Waits until an agent can be used, and shows what it is waiting for. Start scripts that failed or ran out of time
 * are a warning: the workspace can be entered, to see why.
 */
export async function waitForAgent(
  cli: Cli,
  client: Client,
  agentId: string,
  options: AgentWait,
): Promise<Agent> {
  const fetch = () => client.call(agents.getAgent, { params: { workspaceagent: agentId } });
  let agent = await fetch();
  // Nothing to show for an agent that is ready, as it mostly is.
  if (agent.status === "connected" && (!options.wait || agent.lifecycle_state === "ready")) return agent;
  const live = openLiveLine(cli.stderr, cli.env);
  const view = createStageView(live, cli.err);
  const logs = scriptLogs(client, agentId, view);
  const startedAt = Date.now();
  let warnedFor: string | undefined;
  let hasAsked = false;

  const warnOnce = (about: string, text: string) => {
    if (warnedFor === about) return;
    warnedFor = about;
    view.line(withTroubleshooting(text, agent), "warn");
  };

  try {
    for (;;) {
      const now = new Date();
      cli.signal.throwIfAborted();
      if (agent.status === "connected") {
        switch (agent.lifecycle_state) {
          case "created":
          case "starting":
            if (!options.wait && !agent.scripts.some((script) => script.run_on_start)) {
              view.end("done", now);
              return agent;
            }
            view.stage(scriptsStage, now);
            if (!options.wait) {
              view.end("done", now);
              view.line("The startup scripts are still running: the workspace may be incomplete.", "warn");
              return agent;
            }
            await logs.show(agent);
            break;
          case "shutting_down":
          case "shutdown_timeout":
          case "shutdown_error":
          case "off":
            throw new CliError("The workspace is shutting down.", {
              hint: "Wait until it has stopped, then start it: coder start WORKSPACE",
            });
          default: {
            if (options.wait) await logs.show(agent);
            const isFine = agent.lifecycle_state === "ready";
            view.end(isFine ? "done" : "failed", now);
            if (!isFine) view.line(withTroubleshooting(scriptTrouble(agent), agent), "warn");
            return agent;
          }
        }
      } else {
        view.stage(connectStage, now);
        if (agent.status === "timeout") {
          if (options.giveUp) {
            view.end("failed", now);
            throw new CliError("The workspace agent did not connect in time.", { hint: advice(agent) });
          }
          warnOnce("timeout", "The workspace agent is having trouble connecting; still waiting.");
        } else if (agent.status === "connecting" && Date.now() - startedAt > askAfterMs && !hasAsked) {
          hasAsked = true;
          if (await isExecutableInTheMaking(cli, client, agent)) {
            const platform = `${agent.operating_system}/${agent.architecture}`;
            warnOnce(
              "executable",
              `The server is making the agent's executable for ${platform}: once, after an update.`,
            );
          }
        } else if (agent.status === "disconnected") {
          warnOnce("disconnected", "The workspace agent lost its connection; waiting for it to come back.");
        }
      }
      await sleep(pollAfterMs(Date.now() - startedAt), undefined, { signal: cli.signal }).catch(() => {
        throw cli.signal.reason;
      });
      agent = await fetch().catch((err: unknown) => {
        // A server that is restarting comes back, and the agent with it.
        if (err instanceof ApiConnectionError || (err instanceof ApiResponseError && err.status >= 502)) {
          view.note("the server is away, waiting for it");
          return agent;
        }
        throw err;
      });
    }
  } finally {
    view.close();
  }
}

/** Soon at first, when a warm workspace becomes ready; then sparingly. */
function pollAfterMs(waitedMs: number): number {
  if (waitedMs < 3000) return 100;
  return waitedMs < 20_000 ? 500 : 1000;
}

function scriptLogs(client: Client, agentId: string, view: StageView) {
  let after = 0;
  let shownLength = -1;
  return {
    async show(agent: Agent): Promise<void> {
      if (agent.logs_length === shownLength) return;
      shownLength = agent.logs_length;
      for await (const line of agentLogs(client, agentId, after)) {
        after = Math.max(after, line.id);
        view.line(line.output, line.level);
      }
    },
  };
}

function scriptTrouble(agent: Agent): string {
  return agent.lifecycle_state === "start_timeout"
    ? "A startup script ran out of time: the workspace may be incomplete."
    : "A startup script exited with an error: the workspace may be incomplete.";
}

function advice(agent: Agent): string {
  const url = agent.troubleshooting_url ? ` See ${agent.troubleshooting_url}` : "";
  return `Look at the logs of the resource that runs it, or restart the workspace.${url}`;
}

function withTroubleshooting(text: string, agent: Agent): string {
  return agent.troubleshooting_url ? `${text} See ${agent.troubleshooting_url}` : text;
}
