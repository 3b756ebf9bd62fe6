import { tmpdir } from "node:os";
import { agentCommandSelf, becomeReaperAsPid1, createAgentLog, startAgent } from "@slipway/agent";
import { parseDuration } from "@slipway/api/client";
import { type Command, Option } from "commander";
import { version } from "../build-info.ts";
import type { Cli } from "../cli.ts";
import { CliError, ExitStatus } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";
import { webSocketNetwork } from "../http-fetch.ts";

type AgentFlags = {
  logDir: string;
  logJson?: string;
  scriptDataDir: string;
  sshMaxTimeout: string;
  debugAddress: string;
  prometheusAddress: string;
  blockFileTransfer?: boolean;
  reap: boolean;
};

/** `coder agent`: what an init script starts in a workspace (cli.md 8, agent-and-apps.md 1.2). */
export const configure: Configure = (command, cli) => {
  declareFlags(command);
  command.action((flags: AgentFlags) => runAgent(cli, flags));
};

function declareFlags(command: Command): void {
  const add = (flags: string, env: string, description: string, initial?: string) =>
    command.addOption(new Option(flags, description).env(env).default(initial));
  add("--log-dir <dir>", "CODER_AGENT_LOG_DIR", "directory of the agent's logs", tmpdir());
  add("--log-human <file>", "CODER_AGENT_LOGGING_HUMAN", "accepted; human lines go to stderr", "/dev/stderr");
  add("--log-json <file>", "CODER_AGENT_LOGGING_JSON", "when set, stderr carries JSON");
  add("--log-stackdriver <file>", "CODER_AGENT_LOGGING_STACKDRIVER", "accepted, without effect");
  add("--script-data-dir <dir>", "CODER_AGENT_SCRIPT_DATA_DIR", "directory for what scripts keep", tmpdir());
  add(
    "--ssh-max-timeout <duration>",
    "CODER_AGENT_SSH_MAX_TIMEOUT",
    "longest silence of an SSH session",
    "72h",
  );
  add(
    "--debug-address <host:port>",
    "CODER_AGENT_DEBUG_ADDRESS",
    "debug server; empty: none",
    "127.0.0.1:2113",
  );
  add(
    "--prometheus-address <host:port>",
    "CODER_AGENT_PROMETHEUS_ADDRESS",
    "metrics; empty: none",
    "127.0.0.1:2112",
  );
  add(
    "--pprof-address <host:port>",
    "CODER_AGENT_PPROF_ADDRESS",
    "accepted, without effect",
    "127.0.0.1:6060",
  );
  add(
    "--tailnet-listen-port <port>",
    "CODER_AGENT_TAILNET_LISTEN_PORT",
    "accepted; the agent only dials out",
    "0",
  );
  add("--block-file-transfer [value]", "CODER_BLOCK_FILE_TRANSFER", "refuse scp, sftp, rsync and nc");
  add(
    "--devcontainers-enable [value]",
    "CODER_AGENT_DEVCONTAINERS_ENABLE",
    "accepted; dev containers come later",
  );
  command.option("--no-reap", "as process 1, do not reap zombies");
}

async function runAgent(cli: Cli, flags: AgentFlags): Promise<void> {
  const { globals, env } = cli;
  const url = globals.agentUrl ?? globals.url;
  if (!url)
    throw new CliError("The agent does not know its server.", {
      hint: "Set CODER_AGENT_URL or give --agent-url.",
    });
  if (globals.auth !== "token") {
    throw new CliError(`Authentication by "${globals.auth}" is not supported yet.`, {
      hint: "Use token, and set CODER_AGENT_TOKEN.",
    });
  }
  if (!globals.agentToken && !globals.agentTokenFile) {
    throw new CliError("The agent has no token.", {
      hint: "Set CODER_AGENT_TOKEN or CODER_AGENT_TOKEN_FILE.",
    });
  }
  const sshMaxTimeoutMs = parseDuration(flags.sshMaxTimeout);
  if (sshMaxTimeoutMs === null)
    throw new CliError(`--ssh-max-timeout: "${flags.sshMaxTimeout}" is not a duration such as 72h.`);
  if (flags.reap) becomeReaperAsPid1(agentCommandSelf(), process.argv.slice(2).concat("--no-reap"));

  const log = createAgentLog({ dir: flags.logDir, json: Boolean(flags.logJson), verbose: globals.verbose });
  const [network, headers] = await Promise.all([webSocketNetwork(env, url), cli.headers()]);
  const agent = await startAgent({
    url,
    ...(globals.agentToken ? { token: globals.agentToken } : {}),
    ...(globals.agentTokenFile ? { tokenFile: globals.agentTokenFile } : {}),
    logDir: log.dir,
    ...(log.path ? { logPath: log.path } : {}),
    scriptDataDir: flags.scriptDataDir,
    sshMaxTimeoutMs,
    blockFileTransfer: isSet(flags.blockFileTransfer),
    environment: env,
    log,
    signal: cli.signal,
    version,
    debugAddress: flags.debugAddress,
    prometheusAddress: flags.prometheusAddress,
    subsystems: (env.CODER_AGENT_SUBSYSTEM ?? "").split(",").filter(Boolean),
    socketOptions: () => ({ ...network, headers }),
  });
  const code = await agent.done;
  log.close();
  throw new ExitStatus(code);
}

function isSet(value: boolean | string | undefined): boolean {
  return value === true || value === "true" || value === "1";
}
