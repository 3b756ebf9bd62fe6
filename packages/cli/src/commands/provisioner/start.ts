import { Option } from "commander";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { addSwitch, assignmentsOption, listOption, numberOption, readAssignments } from "../../options.ts";
import { organizationOption } from "../../organization.ts";
import { hostDaemonName, requireDaemonName } from "./daemon-name.ts";

type StartFlags = {
  cacheDir?: string;
  tag?: string[];
  key?: string;
  psk?: string;
  name?: string;
  org?: string;
  concurrency: number;
  terraformBinary?: string;
  terraformMirror?: string[];
  terraformEnv?: string[];
  terraformCacheMib: number;
  verbose?: boolean;
  logHuman: string;
  logJson: string;
  logStackdriver: string;
  logFilter?: string[];
  prometheusEnable?: boolean;
  prometheusAddress: string;
};

const maxConcurrency = 100;

/** `coder provisioner start`: a provisioner daemon outside of the server (provisioning.md 4.1). */
export const configure: Configure = (command, cli) => {
  const add = (flags: string, env: string, description: string, initial?: string) =>
    command.addOption(new Option(flags, description).env(env).default(initial));
  add("-c, --cache-dir <dir>", "CODER_CACHE_DIRECTORY", "directory for providers and template versions");
  command.addOption(
    assignmentsOption(
      "-t, --tag <key=value>",
      "tag of which jobs it takes; scope=user serves your own workspaces only (repeatable)",
      "CODER_PROVISIONERD_TAGS",
    ),
  );
  add("--key <key>", "CODER_PROVISIONER_DAEMON_KEY", "provisioner key; the variable is the better place");
  add(
    "--psk <key>",
    "CODER_PROVISIONER_DAEMON_PSK",
    "pre-shared key of the server; prefer a provisioner key",
  );
  add("--name <name>", "CODER_PROVISIONER_DAEMON_NAME", "name of the daemon (default: the host's)");
  command.addOption(organizationOption());
  command.addOption(
    numberOption("--concurrency <count>", "builds at a time", "CODER_PROVISIONER_DAEMON_CONCURRENCY").default(
      1,
    ),
  );
  add(
    "--terraform-binary <path>",
    "CODER_TERRAFORM_BINARY",
    "Terraform or OpenTofu: a path, or a name on PATH (default: terraform, then tofu)",
  );
  command.addOption(
    listOption(
      "--terraform-mirror <dir>",
      "directory of providers in the layout of a filesystem mirror, looked at first (repeatable)",
      "CODER_TERRAFORM_MIRROR",
    ),
  );
  command.addOption(
    listOption(
      "--terraform-env <name>",
      "variable of this environment that Terraform may see (repeatable; default: all but ours)",
      "CODER_TERRAFORM_ENV",
    ),
  );
  command.addOption(
    numberOption(
      "--terraform-cache-mib <count>",
      "size up to which initialized template versions are kept",
      "CODER_TERRAFORM_CACHE_MIB",
    ).default(5120),
  );
  addSwitch(command, cli, "--verbose", "log debug lines, too", { env: "CODER_PROVISIONER_DAEMON_VERBOSE" });
  const logTo = (name: string, what: string, initial: string) =>
    add(
      `--log-${name} <file>`,
      `CODER_PROVISIONER_DAEMON_LOGGING_${name.toUpperCase()}`,
      `file for ${what}; empty: none`,
      initial,
    );
  logTo("human", "log lines for people", "/dev/stderr");
  logTo("json", "log lines as JSON", "");
  logTo("stackdriver", "log lines for Google Cloud", "");
  command.addOption(
    listOption(
      "--log-filter <regex>",
      "debug lines to log, by logger and message (repeatable)",
      "CODER_PROVISIONER_DAEMON_LOG_FILTER",
    ),
  );
  addSwitch(command, cli, "--prometheus-enable", "serve metrics and health checks", {
    env: "CODER_PROMETHEUS_ENABLE",
  });
  add(
    "--prometheus-address <host:port>",
    "CODER_PROMETHEUS_ADDRESS",
    "address of /metrics, /healthz and /readyz",
    "127.0.0.1:2112",
  );
  // Accepted from scripts that were made for Coder: daemons are told of jobs, and nothing is experimental.
  for (const [flags, env] of [
    ["--poll-interval <duration>", "CODER_PROVISIONERD_POLL_INTERVAL"],
    ["--poll-jitter <duration>", "CODER_PROVISIONERD_POLL_JITTER"],
    ["--experiments <names>", "CODER_EXPERIMENTS"],
  ] as const) {
    command.addOption(new Option(flags, "accepted, without effect").env(env).hideHelp());
  }

  command.action(async (flags: StartFlags) => {
    refuseContradictions(flags);
    if (flags.concurrency < 1 || flags.concurrency > maxConcurrency) {
      throw new CliError(`--concurrency: ${flags.concurrency} is not between 1 and ${maxConcurrency}.`);
    }
    if (flags.terraformCacheMib < 1) {
      throw new CliError(`--terraform-cache-mib: ${flags.terraformCacheMib} is not at least 1.`);
    }
    const { runDaemon } = await import("./run-daemon.ts");
    await runDaemon(cli, {
      name: requireDaemonName(flags.name || hostDaemonName()),
      tags: Object.fromEntries(readAssignments("--tag", flags.tag)),
      key: flags.key || undefined,
      psk: flags.psk || undefined,
      organization: flags.org || undefined,
      concurrency: flags.concurrency,
      cacheDir: flags.cacheDir || undefined,
      terraformBinary: flags.terraformBinary || undefined,
      terraformMirror: flags.terraformMirror ?? [],
      terraformEnv: flags.terraformEnv ?? [],
      terraformCacheMib: flags.terraformCacheMib,
      log: {
        logHuman: flags.logHuman,
        logJson: flags.logJson,
        logStackdriver: flags.logStackdriver,
        logFilter: flags.logFilter ?? [],
        verbose: Boolean(flags.verbose) || cli.globals.verbose,
      },
      statusAddress: flags.prometheusEnable ? flags.prometheusAddress : undefined,
    });
  });
};

/** A key says all that tags and organization could say (provisioning.md 4.1). */
function refuseContradictions({ key, psk, org, tag }: StartFlags): void {
  if (key && psk) {
    throw new CliError("cannot provide both provisioner key --key and pre-shared key --psk", {
      hint: "Prefer the key. Each may also come from the environment: CODER_PROVISIONER_DAEMON_KEY, CODER_PROVISIONER_DAEMON_PSK.",
    });
  }
  if (org && (key || psk)) {
    throw new CliError("cannot provide --org value with --psk or --key flags", {
      hint: key
        ? "The key belongs to its organization: leave out --org and CODER_ORGANIZATION."
        : "The pre-shared key is for the default organization: leave out --org and CODER_ORGANIZATION.",
    });
  }
  if (key && tag?.length) {
    throw new CliError("cannot provide tags when using provisioner key: leave out --tag or --key", {
      hint: "A key has its tags from when it was created. Both may also come from the environment: CODER_PROVISIONERD_TAGS, CODER_PROVISIONER_DAEMON_KEY.",
    });
  }
}
