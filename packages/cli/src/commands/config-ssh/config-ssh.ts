import { resolve } from "node:path";
import { type Client, general, workspaces } from "@slipway/api/client";
import { Option } from "commander";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { addSwitch } from "../../options.ts";
import { askChoice, confirm } from "../../prompt.ts";
import { selfCommand } from "../../self-command.ts";
import { agentsOf } from "../../workspace-argument.ts";
import {
  formatBlock,
  joinConfig,
  readSavedOptions,
  type SavedOptions,
  sameOptions,
  splitConfig,
} from "./config-block.ts";
import { expandHome, ownTextFrom, ownTextIn, readConfigFile, writeConfigFile } from "./config-file.ts";
import { lineDiff } from "./line-diff.ts";
import { fastCiphers, parseSshOption, stanzas } from "./stanzas.ts";
import { understandsOption } from "./understands-option.ts";

type ConfigSshOptions = {
  sshConfigFile: string;
  coderBinaryPath?: string;
  sshOption?: string[];
  dryRun?: boolean;
  usePreviousOptions?: boolean;
  sshHostPrefix?: string;
  hostnameSuffix?: string;
  wait: SavedOptions["wait"];
  disableAutostart?: boolean;
  wildcard: boolean;
  forceUnixFilepaths?: boolean;
  yes?: boolean;
};

export const configure: Configure = (command, cli) => {
  const env = (flags: string, description: string, name: string) => new Option(flags, description).env(name);
  command.addOption(
    env("--ssh-config-file <file>", "file to change", "CODER_SSH_CONFIG_FILE").default("~/.ssh/config"),
  );
  command.addOption(
    env(
      "--coder-binary-path <path>",
      "program that ssh starts (default: this one)",
      "CODER_SSH_CONFIG_BINARY_PATH",
    ),
  );
  command.addOption(
    env(
      "-o, --ssh-option <option>",
      "SSH option for all workspaces, as Name=value; an empty value takes it away (repeatable)",
      "CODER_SSH_CONFIG_OPTS",
    ).argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]),
  );
  addSwitch(command, cli, "-n, --dry-run", "show what would change, and change nothing", {
    env: "CODER_SSH_DRY_RUN",
  });
  addSwitch(command, cli, "--use-previous-options", "go on with the options of the last time", {
    env: "CODER_SSH_USE_PREVIOUS_OPTIONS",
  });
  command.addOption(
    env(
      "--ssh-host-prefix <prefix>",
      "what names begin with (default: the deployment's)",
      "CODER_CONFIGSSH_SSH_HOST_PREFIX",
    ),
  );
  command.addOption(
    env(
      "--hostname-suffix <suffix>",
      "what names end with (default: the deployment's)",
      "CODER_CONFIGSSH_HOSTNAME_SUFFIX",
    ),
  );
  command.addOption(
    env(
      "--wait <yes|no|auto>",
      "wait for start scripts; auto: when one of them blocks logins",
      "CODER_CONFIGSSH_WAIT",
    )
      .choices(["yes", "no", "auto"])
      .default("auto"),
  );
  addSwitch(command, cli, "--disable-autostart", "do not start stopped workspaces", {
    env: "CODER_CONFIGSSH_DISABLE_AUTOSTART",
  });
  addSwitch(command, cli, "--no-wildcard", "write the workspaces one by one instead of a pattern", {
    env: "CODER_CONFIGSSH_NO_WILDCARD",
  });
  addSwitch(command, cli, "--force-unix-filepaths", "write paths with slashes, on Windows too", {
    env: "CODER_CONFIGSSH_UNIX_FILEPATHS",
  });
  command.option("-y, --yes", "do not ask");
  command.action((options: ConfigSshOptions) => configSsh(cli, options));
};

async function configSsh(cli: Cli, options: ConfigSshOptions): Promise<void> {
  for (const text of options.sshOption ?? []) parseSshOption(text);
  const path = expandHome(options.sshConfigFile);
  const read = await readConfigFile(path);
  const { text } = read;
  const split = splitConfig(text);
  const block = split.block === undefined ? undefined : ownTextFrom(read, split.block);
  const chosen = await chooseOptions(cli, options, block);
  const client = await cli.client();
  const deployment = await client.call(general.getSSHConfig);
  const prefix = chosen.sshHostPrefix ?? deployment.hostname_prefix;
  const suffix = (chosen.hostnameSuffix ?? deployment.hostname_suffix).replace(/^\./, "");
  if (prefix === "" && suffix === "") {
    throw new CliError("Without a prefix and a suffix there is no name for workspaces.", {
      hint: "Give --ssh-host-prefix or --hostname-suffix.",
    });
  }
  const unixPath = (one: string) => (options.forceUnixFilepaths ? one.replaceAll("\\", "/") : one);
  const lines = stanzas({
    options: chosen,
    prefix,
    suffix,
    deploymentOptions: deployment.ssh_config_options,
    binary: (options.coderBinaryPath ? [resolve(options.coderBinaryPath)] : selfCommand(cli.env)).map(
      unixPath,
    ),
    globalConfig: unixPath(resolve(cli.config.path)),
    prefersFastCiphers: await understandsOption(fastCiphers.join("="), cli.env),
    ...(chosen.noWildcard ? { hosts: await workspaceHosts(client) } : {}),
  });
  const changed = joinConfig({ ...split, block: ownTextIn(read, formatBlock(chosen, lines)) });
  const example = prefix === "" ? `WORKSPACE.${suffix}` : `${prefix}WORKSPACE`;
  const diff = lineDiff(text, changed);
  if (diff.length === 0) {
    cli.say(`${path} is up to date: ssh ${example}`);
    return;
  }
  const colors = options.dryRun ? cli.out : cli.err;
  const shown = diff
    .map((line) =>
      line.startsWith("+") ? colors.green(line) : line.startsWith("-") ? colors.red(line) : line,
    )
    .join("\n");
  if (options.dryRun) {
    cli.say(`This would change in ${path}:\n`);
    cli.print(shown);
    return;
  }
  cli.say(`This changes in ${path}:\n\n${shown}\n`);
  await confirm(cli, options.yes, "Continue?");
  await writeConfigFile(path, changed, read);
  cli.say(`Updated ${path}. Try it: ssh ${example}`);
}

/** The options of this run, or, when that is what people want, of the last one. */
async function chooseOptions(
  cli: Cli,
  options: ConfigSshOptions,
  block: string | undefined,
): Promise<SavedOptions> {
  const given: SavedOptions = {
    wait: options.wait,
    ...(options.sshHostPrefix === undefined ? {} : { sshHostPrefix: options.sshHostPrefix }),
    ...(options.hostnameSuffix === undefined ? {} : { hostnameSuffix: options.hostnameSuffix }),
    disableAutostart: options.disableAutostart ?? false,
    noWildcard: !options.wildcard,
    sshOptions: options.sshOption ?? [],
    header: cli.globals.header,
    ...(cli.globals.headerCommand ? { headerCommand: cli.globals.headerCommand } : {}),
  };
  const previous = block === undefined ? undefined : readSavedOptions(block);
  if (!previous) return given;
  if (options.usePreviousOptions) return previous;
  if (options.yes || !cli.interactive || sameOptions(given, previous)) return given;
  const choice = await askChoice(cli, {
    message: "The options differ from those of the last time",
    flag: "--use-previous-options or --yes",
    options: [
      { value: "given", label: "Use the new ones" },
      { value: "previous", label: "Go on with those of the last time" },
    ],
  });
  return choice === "previous" ? previous : given;
}

async function workspaceHosts(client: Client): Promise<string[]> {
  const { workspaces: own } = await client.call(workspaces.getWorkspaces, { query: { q: "owner:me" } });
  return own.flatMap((workspace) => {
    const agents = agentsOf(workspace);
    return [
      workspace.name,
      ...(agents.length > 1 ? agents.map((agent) => `${workspace.name}.${agent.name}`) : []),
    ];
  });
}
