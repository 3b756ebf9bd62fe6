import {
  type Client,
  organizations,
  provisionerKeys,
  templates,
  users,
  workspaces,
} from "@slipway/api/client";
import type { Cli } from "../cli.ts";
import { commands } from "../commands.ts";
import { createProgram } from "../program.ts";

/** What an argument holds is read from its name, as `--help` shows it. */
const namesOf: readonly { argument: RegExp; fetch(client: Client): Promise<string[]> }[] = [
  { argument: /^workspace$/, fetch: workspaceNames },
  { argument: /^template$/, fetch: templateNames },
  { argument: /^(username|user_id|user)(\||$)/, fetch: userNames },
  { argument: /^provisioner-key$/, fetch: provisionerKeyNames },
];
/** Commands of templates call their argument just a name. */
const templateCommands = new Set(["pull", "delete", "archive"]);
const limit = 200;
const patienceMs = 2000;

/**
 * What may stand in place of the last of these words, which may be empty or incomplete: commands, flags, values of
 * flags, and names of workspaces, templates and users.
 */
export async function candidates(cli: Cli, words: readonly string[]): Promise<string[]> {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  if (before.includes("--")) return [];
  const { leaf, program } = await createProgram(cli, before);
  const typedFlag = before.at(-1) ?? "";
  const awaiting = leaf.options.find(
    (option) => option.required && (option.long === typedFlag || option.short === typedFlag),
  );
  if (awaiting) return matching(current, await valuesOf(cli, awaiting.attributeName(), awaiting.argChoices));
  if (current.startsWith("-")) {
    const shown = leaf === program ? program.options : leaf.options.filter((option) => !option.hidden);
    return matching(current, shown.map((option) => option.long ?? "").filter(Boolean));
  }
  if (leaf.commands.length > 0 && leaf.registeredArguments.length === 0) {
    return matching(current, leaf === program ? visibleNames(commands) : leafNames(leaf.commands));
  }
  const position = before.length - depthOf(leaf);
  const argument = leaf.registeredArguments[Math.min(position, leaf.registeredArguments.length - 1)];
  if (!argument) return [];
  if (argument.argChoices) return matching(current, argument.argChoices);
  const isTemplate = leaf.parent?.name() === "templates" && templateCommands.has(leaf.name());
  const source = namesOf.find((one) => one.argument.test(isTemplate ? "template" : argument.name()));
  return source ? matching(current, await fetched(cli, source.fetch)) : [];
}

async function valuesOf(
  cli: Cli,
  name: string,
  choices: readonly string[] | undefined,
): Promise<readonly string[]> {
  if (choices) return choices;
  if (name === "template") return fetched(cli, templateNames);
  if (name === "org") return fetched(cli, organizationNames);
  if (name === "output") return ["table", "json", "text"];
  return [];
}

/** Nothing rather than an error, and soon: a person is in the middle of typing. */
async function fetched(cli: Cli, fetch: (client: Client) => Promise<string[]>): Promise<string[]> {
  try {
    const late = new Promise<string[]>((resolve) => setTimeout(resolve, patienceMs, []).unref());
    return await Promise.race([cli.client().then(fetch), late]);
  } catch (err) {
    cli.debug(String(err));
    return [];
  }
}

async function workspaceNames(client: Client): Promise<string[]> {
  const { workspaces: found } = await client.call(workspaces.getWorkspaces, {
    query: { q: "owner:me", limit },
  });
  return found.map((one) => one.name);
}

async function provisionerKeyNames(client: Client): Promise<string[]> {
  const mine = await client.call(organizations.getOrganizations);
  const keys = await Promise.all(
    mine.map(({ id }) => client.call(provisionerKeys.getProvisionerKeys, { params: { organization: id } })),
  );
  return keys.flat().map((one) => one.name);
}

async function templateNames(client: Client): Promise<string[]> {
  return (await client.call(templates.getTemplates)).map((one) => one.name);
}

async function userNames(client: Client): Promise<string[]> {
  return (await client.call(users.getUsers, { query: { limit } })).users.map((one) => one.username);
}

async function organizationNames(client: Client): Promise<string[]> {
  const mine = await client.call(users.getUserOrganizations, { params: { user: "me" } });
  return mine.map((one) => one.name);
}

function visibleNames(entries: readonly { name: string; hidden?: boolean }[]): string[] {
  return entries.filter((entry) => !entry.hidden).map((entry) => entry.name);
}

function leafNames(subcommands: readonly { name(): string }[]): string[] {
  return subcommands.map((one) => one.name());
}

function depthOf(command: { parent: unknown }): number {
  let depth = 0;
  for (let at = command; at.parent; at = at.parent as typeof at) depth++;
  return depth;
}

function matching(current: string, all: readonly string[]): string[] {
  return all.filter((one) => one.startsWith(current));
}
