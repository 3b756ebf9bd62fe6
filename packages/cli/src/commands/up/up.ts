import { organizations } from "@slipway/api/client";
import type { Cli } from "../../cli.ts";
import { CliError, ExitStatus } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import type { ReadyAgent } from "../../ready-agent.ts";
import { shellQuote } from "../../shell-quote.ts";
import { createTunnel } from "../../tunnel/tunnel.ts";
import { startUsageReports } from "../ssh/report-usage.ts";
import { brokenLinkStatus, runInWorkspace } from "../ssh/run-in-workspace.ts";
import { chooseStarter, type StarterId } from "./choose-starter.ts";
import { type DockerEngine, findDockerEngine } from "./docker-engine.ts";
import { ensureServer } from "./ensure-server.ts";
import { ensureSession } from "./ensure-session.ts";
import { ensureTemplate } from "./ensure-template.ts";
import { ensureWorkspace, workspaceName } from "./ensure-workspace.ts";
import { ownCli } from "./own-cli.ts";
import { type UpPaths, upPaths } from "./up-paths.ts";
import { changeState, readState } from "./up-state.ts";
import { withLock } from "./with-lock.ts";

export const configure: Configure = (command, cli) => {
  command.argument("[command...]", "run this in the workspace instead of a shell").addHelpText(
    "after",
    `
Starts a server on this machine in the background, makes a workspace on it and opens a shell there. The second time
everything is in place. With a command, as in 'coder up -- make test', runs that and ends with its exit status.
'coder down' stops both; nothing is lost.`,
  );
  command.action((words: string[]) => up(cli, words));
};

async function up(outer: Cli, words: readonly string[]): Promise<void> {
  const paths = upPaths(outer.env);
  const cli = ownCli(outer, paths);
  const onWait = (pid: number | undefined) =>
    cli.say(`Waiting for another 'coder up' or 'coder down'${pid ? ` (pid ${pid})` : ""} to finish.`);
  const { client, ready } = await withLock(paths.lock, { signal: cli.signal, onWait }, () =>
    prepare(cli, paths),
  );
  const hasTerminal = Boolean(cli.stdin.isTTY) && Boolean(cli.stdout.isTTY);
  if (words.length === 0 && !hasTerminal && !cli.globals.forceTty) {
    cli.say(`The workspace is ready. Run a command in it: ${cli.self} up -- COMMAND`);
    return;
  }
  const tunnel = createTunnel(cli, client, ready.agent.id);
  const stopReports = startUsageReports(cli, client, ready, "ssh");
  try {
    const status = await runInWorkspace(cli, client, tunnel, ready, {
      command: commandLine(words),
      tty: words.length === 0,
      // Its server is not coming back, and an agent that died before it had no time to say so.
      whyOver: async () =>
        (await readState(paths)).isUp === false ? `'${cli.self} down' has stopped the workspace.` : undefined,
    });
    if (status !== 0) throw new ExitStatus(status);
  } catch (err) {
    if (err instanceof CliError && err.exitCode === brokenLinkStatus) {
      throw new CliError(err.message, {
        hint: `Go on with '${cli.self} up'.`,
        exitCode: brokenLinkStatus,
        cause: err,
      });
    }
    throw err;
  } finally {
    stopReports();
    await tunnel.close();
  }
}

async function prepare(cli: Cli, paths: UpPaths) {
  let found: Promise<DockerEngine | undefined> | undefined;
  const docker = () => (found ??= findDockerEngine(cli.env));
  const server = await ensureServer(cli, paths, async () => {
    const gateway = await (await docker())?.bridgeGateway();
    return gateway ? [gateway] : [];
  });
  const { client, isNew, username } = await ensureSession(cli, paths, server.url);
  if (isNew || server.wasStarted) {
    cli.say(`Slipway runs at ${cli.err.cyan(server.url)}`);
    cli.say(`  user ${username}, password in ${paths.password}, log in ${paths.serverLog}`);
    cli.say(
      cli.err.dim(`  other commands: ${cli.self} --global-config ${shellQuote([paths.config])} COMMAND`),
    );
  }
  await changeState(paths, { isUp: true });
  const ready: ReadyAgent = await ensureWorkspace(cli, client, {
    isMoved: server.portChanged,
    templateVersion: async () => {
      const own = await client.call(organizations.getOrganizations);
      const organization = own.find((one) => one.is_default) ?? own[0];
      if (!organization) throw new CliError(`The user ${username} belongs to no organization.`);
      const push = (id: StarterId) => ensureTemplate(cli, client, organization.id, id);
      const id = await chooseStarter(cli, await docker());
      const template = await push(id).catch((err: unknown) => {
        cli.signal.throwIfAborted();
        if (id === "local" || !(err instanceof CliError)) throw err;
        cli.say(err.message);
        cli.say("The workspace will run as a process on this machine instead.");
        return push("local");
      });
      return template.active_version_id;
    },
  });
  if (isNew)
    cli.say(`The workspace ${cli.err.bold(workspaceName)} is ready. '${cli.self} up' opens it again.\n`);
  return { client, ready };
}

/** One word is a command line for the shell over there; several are a program and its arguments, kept as they are. */
export function commandLine(words: readonly string[]): string {
  return words.length === 1 ? (words[0] ?? "") : shellQuote(words);
}
