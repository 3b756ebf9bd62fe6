import { posix } from "node:path";
import { type agents, apiKeys, type Client, type workspaces } from "@slipway/api/client";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { openUrl } from "../../open-url.ts";
import { addSwitch } from "../../options.ts";
import { readyAgent } from "../../ready-agent.ts";

export const configure: Configure = (command, cli) => {
  command
    .argument("<workspace>", "NAME, OWNER/NAME, NAME.AGENT or OWNER/NAME.AGENT")
    .argument("[directory]", "what to open there (default: the agent's directory)");
  addSwitch(
    command,
    cli,
    "--generate-token",
    "put a session token into the address, for editors not logged in",
    {
      env: "CODER_OPEN_VSCODE_GENERATE_TOKEN",
    },
  );
  command.action((workspace: string, directory: string | undefined, options: { generateToken?: boolean }) =>
    openVscode(cli, workspace, directory, options),
  );
};

async function openVscode(
  cli: Cli,
  argument: string,
  directory: string | undefined,
  options: { generateToken?: boolean },
): Promise<void> {
  const client = await cli.client();
  const { workspace, agent } = await readyAgent(cli, client, argument, { autostart: true, wait: "no" });
  const uri = vscodeUri({
    url: client.url,
    workspace,
    agent,
    folder: folderOf(agent, directory),
    token: options.generateToken ? await sessionToken(client) : undefined,
  });
  cli.say(`Opening ${cli.err.bold(workspace.name)} in VS Code.`);
  if (cli.interactive && !cli.globals.noOpen && (await openUrl(uri))) return;
  // On stdout, for scripts that open it by themselves.
  cli.print(uri);
}

/** What VS Code hands to its Coder extension (cli.md 7). */
export function vscodeUri(target: {
  url: string;
  workspace: Pick<workspaces.Workspace, "name" | "owner_name">;
  agent: Pick<agents.WorkspaceAgent, "name">;
  folder: string | undefined;
  token: string | undefined;
}): string {
  const query = new URLSearchParams({
    owner: target.workspace.owner_name,
    workspace: target.workspace.name,
    agent: target.agent.name,
    ...(target.folder === undefined ? {} : { folder: target.folder }),
    url: target.url,
    ...(target.token === undefined ? {} : { token: target.token }),
  });
  return `vscode://coder.coder-remote/open?${query}`;
}

/** The agent knows where its home is: `~` and relative paths are below what it has told. */
export function folderOf(
  agent: Pick<agents.WorkspaceAgent, "expanded_directory">,
  directory: string | undefined,
): string | undefined {
  const base = agent.expanded_directory;
  if (!directory) return base || undefined;
  if (posix.isAbsolute(directory)) return posix.normalize(directory);
  const below = directory.replace(/^~(?:\/|$)/, "");
  if (base) return posix.join(base, below);
  throw new CliError(
    `"${directory}" is not an absolute path, and the agent has told no directory of its own.`,
    {
      hint: "Give the whole path, such as /home/coder/project.",
    },
  );
}

async function sessionToken(client: Client): Promise<string> {
  return (await client.call(apiKeys.createSessionKey, { params: { user: "me" } })).key;
}
