import { type agents, apiKeys } from "@slipway/api/client";
import { Option } from "commander";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { openUrl } from "../../open-url.ts";
import { readyAgent } from "../../ready-agent.ts";

export const configure: Configure = (command, cli) => {
  command
    .argument("<workspace>", "NAME, OWNER/NAME, NAME.AGENT or OWNER/NAME.AGENT")
    .argument("<app>", "slug of the app")
    .addOption(
      new Option("--region <name>", "through which proxy; there is only the primary one")
        .env("CODER_OPEN_APP_REGION")
        .default("primary"),
    );
  command.action((workspace: string, slug: string, options: { region: string }) =>
    openApp(cli, workspace, slug, options.region),
  );
};

async function openApp(cli: Cli, argument: string, slug: string, region: string): Promise<void> {
  if (region !== "primary") {
    throw new CliError(`There is no region "${region}".`, { hint: "This deployment has one: primary." });
  }
  const client = await cli.client();
  const { workspace, agent } = await readyAgent(cli, client, argument, { autostart: true, wait: "no" });
  const app = agent.apps.find((one) => one.slug === slug);
  if (!app) {
    const slugs = agent.apps.map((one) => one.slug).join(", ");
    throw new CliError(`The agent ${agent.name} of ${workspace.name} has no app "${slug}".`, {
      hint: slugs ? `It has: ${slugs}.` : "Its template defines none (resource coder_app).",
    });
  }
  const url = externalUrl(app);
  if (url === undefined) {
    throw new CliError(
      `The app "${slug}" runs in the workspace, and such apps are not part of this release yet.`,
      {
        hint: `Reach its port meanwhile: ${cli.self} port-forward ${argument} --tcp PORT`,
      },
    );
  }
  const full = url.includes(tokenPlaceholder)
    ? url.replaceAll(
        tokenPlaceholder,
        (await client.call(apiKeys.createSessionKey, { params: { user: "me" } })).key,
      )
    : url;
  if (cli.interactive && !cli.globals.noOpen && (await openUrl(full))) return;
  cli.print(full);
}

/** Editors that log in by the address which their template builds ask for a token in it by this. */
const tokenPlaceholder = "$SESSION_TOKEN";

/** The address of an app that is not in the workspace. */
function externalUrl(app: agents.WorkspaceApp): string | undefined {
  return app.external && app.url ? app.url : undefined;
}
