import { Option } from "commander";
import type { Cli } from "../../cli.ts";
import { CliError, ExitStatus } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { addSwitch, assignmentsOption, listOption, readAssignments, readDuration } from "../../options.ts";
import { readyAgent, type WaitChoice } from "../../ready-agent.ts";
import type { ClientReason } from "../../workspace-builds.ts";
import { parseRemoteForward } from "./parse-remote-forward.ts";

type SshOptions = {
  stdio?: boolean;
  sshHostPrefix?: string;
  hostnameSuffix?: string;
  forwardAgent?: boolean;
  forwardGpg?: boolean;
  identityAgent?: string;
  workspacePollInterval: string;
  wait: string | boolean;
  logDir?: string;
  remoteForward?: string[];
  env?: string[];
  tty?: boolean;
  networkInfoDir?: string;
  networkInfoInterval: string;
  disableAutostart?: boolean;
  usageApp?: string;
};

export const configure: Configure = (command, cli) => {
  const env = (flags: string, description: string, name: string) => new Option(flags, description).env(name);
  command
    .argument("<workspace>", "NAME, OWNER/NAME, NAME.AGENT or OWNER/NAME.AGENT")
    .argument("[command...]", "run this instead of a shell");
  addSwitch(command, cli, "--stdio", "speak SSH on stdin and stdout, for ProxyCommand", {
    env: "CODER_SSH_STDIO",
  });
  command.addOption(
    env(
      "--ssh-host-prefix <prefix>",
      "taken away from the beginning of the name",
      "CODER_SSH_SSH_HOST_PREFIX",
    ),
  );
  command.addOption(
    env(
      "--hostname-suffix <suffix>",
      "taken away from the end of the name, with its dot",
      "CODER_SSH_HOSTNAME_SUFFIX",
    ),
  );
  addSwitch(command, cli, "-A, --forward-agent", "let programs in the workspace use your ssh-agent", {
    env: "CODER_SSH_FORWARD_AGENT",
  });
  addSwitch(command, cli, "-G, --forward-gpg", "let programs in the workspace sign with your GnuPG keys", {
    env: "CODER_SSH_FORWARD_GPG",
  });
  command.addOption(
    env(
      "--identity-agent <socket>",
      "ssh-agent to forward (default: SSH_AUTH_SOCK)",
      "CODER_SSH_IDENTITY_AGENT",
    ),
  );
  command.addOption(
    env(
      "--workspace-poll-interval <duration>",
      "how often to look whether the workspace still runs",
      "CODER_WORKSPACE_POLL_INTERVAL",
    ).default("1m"),
  );
  command.addOption(
    env(
      "--wait <yes|no|auto>",
      "wait for the start scripts; auto: when one of them blocks logins",
      "CODER_SSH_WAIT",
    )
      .choices(["yes", "no", "auto"])
      .default("auto"),
  );
  addSwitch(command, cli, "--no-wait", "the same as --wait=no", { env: "CODER_SSH_NO_WAIT" });
  command.addOption(
    env("-l, --log-dir <directory>", "write a log of the connection there", "CODER_SSH_LOG_DIR"),
  );
  command.addOption(
    listOption(
      "-R, --remote-forward <forward>",
      "listen in the workspace and connect here: REMOTE_PORT:LOCAL_ADDRESS:LOCAL_PORT, or two socket paths",
      "CODER_SSH_REMOTE_FORWARD",
    ),
  );
  command.addOption(
    assignmentsOption("-e, --env <name=value>", "variable for the session (repeatable)", "CODER_SSH_ENV"),
  );
  addSwitch(command, cli, "-t, --tty", "give the command a terminal", { env: "CODER_SSH_TTY" });
  command.option("--network-info-dir <directory>", "write the state of the connection there, as JSON");
  command.option("--network-info-interval <duration>", "how often to write it", "5s");
  addSwitch(command, cli, "--disable-autostart", "do not start a stopped workspace", {
    env: "CODER_SSH_DISABLE_AUTOSTART",
  });
  command.addOption(
    env("--usage-app <app>", "count the use as this editor's", "CODER_SSH_USAGE_APP").hideHelp(),
  );
  addSwitch(command, cli, "--force-new-tunnel", "accepted; every connection has a tunnel of its own", {
    hidden: true,
  });
  command.action((workspace: string, words: string[], options: SshOptions) =>
    ssh(cli, workspace, words, options),
  );
};

async function ssh(cli: Cli, argument: string, words: string[], options: SshOptions): Promise<void> {
  const checked = checkOptions(cli, words, options);
  const [{ createTunnel }, { openSessionLog }, { startUsageReports, usageAppName }] = await Promise.all([
    import("../../tunnel/tunnel.ts"),
    import("./session-log.ts"),
    import("./report-usage.ts"),
  ]);
  const client = await cli.client();
  const ready = await readyAgent(cli, client, stripPrefix(argument, options.sshHostPrefix), {
    autostart: !options.disableAutostart,
    wait: checked.wait,
    hostnameSuffix: options.hostnameSuffix,
    reason: buildReason(options.usageApp),
  });
  const { workspace, agent } = ready;
  if (workspace.outdated && cli.stderr.isTTY && !options.stdio) {
    const page = `${client.url}/@${workspace.owner_name}/${workspace.name}`;
    cli.say(
      cli.err.dim(`This workspace is outdated: 'coder update ${workspace.name}' or ${page} updates it.`),
    );
  }
  const log = await openSessionLog(options.logDir, options.stdio ?? false);
  log.write(`connecting to ${workspace.owner_name}/${workspace.name}.${agent.name} by ${client.url}`);
  const tunnel = createTunnel(cli, client, agent.id);
  const stops: (() => unknown)[] = [];
  const app = usageAppName(options.usageApp);
  if (app) stops.push(startUsageReports(cli, client, ready, app));
  try {
    if (options.networkInfoDir) {
      const { startNetworkInfo } = await import("./network-info.ts");
      const info = startNetworkInfo(tunnel, {
        directory: options.networkInfoDir,
        intervalMs: checked.networkInfoMs,
        onError: (err) => log.write(`network info: ${err instanceof Error ? err.message : String(err)}`),
      });
      stops.push(info.stop);
    }
    if (options.stdio) {
      const { serveStdio } = await import("./serve-stdio.ts");
      return await serveStdio(cli, client, tunnel, ready, { pollMs: checked.pollMs, log });
    }
    const { runInWorkspace } = await import("./run-in-workspace.ts");
    if (checked.forwards.length > 0) {
      const { startRemoteForwards } = await import("./remote-forward.ts");
      const forwards = await startRemoteForwards(
        cli,
        tunnel.openResumable({ case: "ssh", value: {} }),
        checked.forwards,
      );
      stops.push(forwards.close);
    }
    if (options.forwardGpg) {
      const { startGpgForward } = await import("./forward-gpg.ts");
      stops.push((await startGpgForward(cli, tunnel)).close);
    }
    const status = await runInWorkspace(cli, client, tunnel, ready, {
      command: words.join(" "),
      tty: checked.tty,
      env: checked.env,
      agentSocket: checked.agentSocket,
      pollMs: checked.pollMs,
      log,
    });
    if (status !== 0) throw new ExitStatus(status);
  } finally {
    for (const stop of stops) await stop();
    await tunnel.close();
    log.close();
  }
}

function checkOptions(cli: Cli, words: string[], options: SshOptions) {
  const forwardTexts = options.remoteForward ?? [];
  if (options.stdio && (forwardTexts.length > 0 || options.forwardGpg)) {
    throw new CliError("--stdio excludes --remote-forward and --forward-gpg.", {
      hint: "Give -R to the ssh that runs this command.",
    });
  }
  if (options.stdio && words.length > 0) {
    throw new CliError("--stdio takes no command: the SSH client on stdin and stdout sends it.");
  }
  let agentSocket: string | undefined;
  if (options.forwardAgent && !options.stdio) {
    agentSocket = options.identityAgent || cli.env.SSH_AUTH_SOCK;
    if (!agentSocket) {
      throw new CliError("There is no ssh-agent to forward.", {
        hint: "Start one (eval $(ssh-agent)), or name its socket with --identity-agent.",
      });
    }
  }
  // `--no-wait` arrives under the name of the option that it switches off.
  const wait: WaitChoice = options.wait === false ? "no" : (options.wait as WaitChoice);
  return {
    wait,
    agentSocket,
    forwards: forwardTexts.map(parseRemoteForward),
    env: Object.fromEntries(readAssignments("--env", options.env)),
    // A shell wants a terminal where there is one, a command only when asked.
    tty: Boolean(options.tty) || (words.length === 0 && (Boolean(cli.stdin.isTTY) || cli.globals.forceTty)),
    pollMs: readDuration("--workspace-poll-interval", options.workspacePollInterval),
    networkInfoMs: Math.max(100, readDuration("--network-info-interval", options.networkInfoInterval)),
  };
}

/** `coder.dev` with the prefix `coder.` is `dev`; editors put the deployment's name into theirs. */
function stripPrefix(host: string, prefix: string | undefined): string {
  return prefix && host.startsWith(prefix) ? host.slice(prefix.length) : host;
}

function buildReason(app: string | undefined): ClientReason {
  if (app === "vscode") return "vscode_connection";
  return app === "jetbrains" ? "jetbrains_connection" : "ssh_connection";
}
