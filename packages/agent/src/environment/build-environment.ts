import { delimiter, dirname } from "node:path";
import type { Manifest } from "@slipway/proto/agent";
import { shellQuote } from "../self-command.ts";
import type { Account } from "./account.ts";
import { expandVariables } from "./expand-variables.ts";

export type EnvironmentSources = {
  /** The agent's own environment. */
  base: NodeJS.ProcessEnv;
  account: Account;
  url: string;
  token: string;
  /** argv that starts this program again. */
  self: readonly string[];
  scriptBinDir: string | undefined;
  askpassPath: string | undefined;
};

/**
 * The environment of every session and script, in the layers of agent-and-apps.md 1.8, lowest first. `requested` is
 * what an SSH client asked for. `TERM`, `SSH_TTY`, `SSH_AUTH_SOCK` and `DISPLAY` are added by the session.
 */
export function buildEnvironment(
  sources: EnvironmentSources,
  manifest: Manifest,
  requested: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const { base, account, self } = sources;
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) if (value !== undefined) env[name] = value;
  Object.assign(env, requested);
  env.HOME ||= account.home;
  env.SHELL ||= account.shell;
  env.USER = account.username;
  env.LOGNAME ||= account.username;
  env.SSH_CLIENT = "0.0.0.0 0 0";
  env.SSH_CONNECTION = "0.0.0.0 0 0.0.0.0 0";
  const own = dirname(self.length === 1 ? (self[0] ?? "") : (self.at(-1) ?? ""));
  env.PATH ||= "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  if (own !== "." && self.length > 0) env.PATH = `${env.PATH}${delimiter}${own}`;

  env.CODER = "true";
  env.CODER_WORKSPACE_ID = manifest.workspaceId;
  env.CODER_WORKSPACE_NAME = manifest.workspaceName;
  env.CODER_WORKSPACE_AGENT_NAME = manifest.agentName;
  env.CODER_WORKSPACE_OWNER_NAME = manifest.ownerUsername;
  env.CODER_AGENT_URL = sources.url;
  env.CODER_URL = manifest.accessUrl || sources.url;
  env.CODER_AGENT_TOKEN = sources.token;
  env.GIT_SSH_COMMAND = `${shellQuote(self)} gitssh --`;
  env.CS_DISABLE_GETTING_STARTED_OVERRIDE = "1";
  if (manifest.vsCodePortProxyUri !== "") env.VSCODE_PROXY_URI = manifest.vsCodePortProxyUri;

  // Expanded against the layers below, so that PATH = "$HOME/bin:$PATH" works whatever the order of the map.
  const below = { ...env };
  for (const [name, value] of Object.entries(manifest.environmentVariables)) {
    env[name] = expandVariables(value, below);
  }
  if (sources.askpassPath !== undefined) env.GIT_ASKPASS = sources.askpassPath;
  if (sources.scriptBinDir !== undefined) {
    env.PATH = `${sources.scriptBinDir}${delimiter}${env.PATH ?? ""}`;
  }
  return env;
}
