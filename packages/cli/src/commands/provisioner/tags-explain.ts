import {
  type Client,
  daemons,
  type organizations,
  templates,
  templateVersions,
  users,
} from "@slipway/api/client";
import {
  describeTagProblems,
  explainTags,
  normalizeTags,
  startCommand,
  tagsInWords,
} from "@slipway/template";
import { type Command, Option } from "commander";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { findTemplate, findVersion } from "../../find-template.ts";
import { assignmentsOption, readAssignments } from "../../options.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { type Column, listFormat } from "../../output/format-list.ts";
import { tagsText } from "../../output/tags-text.ts";
import { fetchWorkspace } from "../../workspace-argument.ts";

type Flags = { templateVersion?: string; workspace?: string; tag?: string[] };

/** Jobs whose daemons are looked for. */
type Wanted = {
  /** Whose jobs they are, for people: "Builds of the template docker". */
  title: string;
  tags: Record<string, string>;
  organizationId: string;
  /** Unknown when only tags were given. */
  provisioner?: templates.Template["provisioner"];
};

type Row = {
  id: string;
  name: string;
  organization: string;
  status: string;
  last_seen_at?: string;
  tags: Record<string, string>;
  matches: boolean;
  reason: string;
};

const columns: Column<Row>[] = [
  { name: "name", value: (row) => row.name },
  { name: "status", value: (row) => row.status },
  { name: "matches", value: (row) => (row.matches ? "yes" : "no") },
  { name: "reason", value: (row) => row.reason },
  { name: "tags", value: (row) => tagsText(row.tags) },
  { name: "last seen at", value: (row) => row.last_seen_at ?? "" },
  { name: "organization", value: (row) => row.organization },
  { name: "id", value: (row) => row.id },
];

const maxDaemons = 1000;

/** `coder provisioner tags explain`: which daemons take the jobs of a template, a workspace, or with certain tags. */
export const configure: Configure = (command, cli) => {
  command.argument("[template]", "template whose builds are meant");
  command.addOption(
    new Option("--template-version <version>", "name or id of the version (default: the active one)"),
  );
  command.addOption(new Option("--workspace <workspace>", "workspace whose builds are meant"));
  command.addOption(
    assignmentsOption("-t, --tag <key=value>", "tag of the jobs, instead of a template (repeatable)"),
  );
  command.addOption(organizationOption());
  const format = listFormat(command, columns, ["name", "status", "matches", "reason", "tags"]);
  command.action(async (template: string | undefined, flags: Flags) => {
    const chosen = format();
    const client = await cli.client();
    const wanted = await findWanted(client, command, template, flags);
    const rows = await explain(client, wanted);
    const matching = rows.filter((row) => row.matches);
    const connected = matching.filter((row) => row.status !== "offline");
    if (chosen.isJson) {
      cli.print(JSON.stringify({ tags: wanted.tags, daemons: rows }, null, 2));
      return;
    }
    cli.say(`${wanted.title} have the tags ${cli.err.bold(tagsInWords(wanted.tags))}\n`);
    if (rows.length > 0) cli.print(chosen.print(rows));
    cli.say(
      `\n${matching.length} of ${rows.length} provisioner daemons match` +
        (matching.length === connected.length ? "." : `, ${connected.length} of them connected.`),
    );
    if (connected.length === 0) cli.say(`Start one that does: ${cli.err.cyan(startCommand(wanted.tags))}`);
  });
};

async function findWanted(
  client: Client,
  command: Command,
  name: string | undefined,
  flags: Flags,
): Promise<Wanted> {
  const given = [name, flags.workspace, flags.tag].filter((each) => each !== undefined);
  if (given.length !== 1) {
    throw new CliError("Give one of: the name of a template, --workspace, --tag.", {
      hint: "For example: coder provisioner tags explain docker",
    });
  }
  if (flags.templateVersion !== undefined && name === undefined) {
    throw new CliError("--template-version goes with the name of a template.");
  }
  if (flags.workspace !== undefined) {
    const workspace = await fetchWorkspace(client, flags.workspace);
    const template = await client.call(templates.getTemplate, {
      params: { template: workspace.template_id },
    });
    return {
      title: `Builds of the workspace ${workspace.name}`,
      tags: workspace.latest_build.job.tags,
      organizationId: workspace.organization_id,
      provisioner: template.provisioner,
    };
  }
  const organization = await selectOrganization(client, command);
  const me = await client.call(users.getUser, { params: { user: "me" } });
  if (name === undefined) {
    const tags = Object.fromEntries(readAssignments("--tag", flags.tag));
    return { title: "Such jobs", tags: normalizeTags(me.id, tags), organizationId: organization.id };
  }
  const template = await findTemplate(client, organization, name);
  const version = await (flags.templateVersion === undefined
    ? client.call(templateVersions.getTemplateVersion, {
        params: { templateversion: template.active_version_id },
      })
    : findVersion(client, template, flags.templateVersion));
  return {
    title: `Builds of your workspaces from ${template.name}, version ${version.name},`,
    // As a build has them: those of the import, for the workspace's owner (provisioning.md 2.4).
    tags: normalizeTags(me.id, version.job.tags),
    organizationId: organization.id,
    provisioner: template.provisioner,
  };
}

/** All daemons that the caller may see, those that match first. */
async function explain(client: Client, wanted: Wanted): Promise<Row[]> {
  const mine = await client.call(users.getUserOrganizations, { params: { user: "me" } });
  const all = await Promise.all(mine.map((organization) => explainIn(client, organization, wanted)));
  const rank = (row: Row) => (row.matches ? 0 : 2) + (row.status === "offline" ? 1 : 0);
  return all.flat().sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

async function explainIn(
  client: Client,
  organization: organizations.Organization,
  wanted: Wanted,
): Promise<Row[]> {
  const found = await client.call(daemons.getDaemons, {
    params: { organization: organization.id },
    query: { offline: true, limit: maxDaemons },
  });
  return found.map((daemon) => {
    const reasons: string[] = [];
    if (organization.id !== wanted.organizationId) reasons.push("belongs to another organization");
    if (wanted.provisioner && !daemon.provisioners.includes(wanted.provisioner)) {
      reasons.push(`does not run ${wanted.provisioner}`);
    }
    const problems = explainTags(daemon.tags, wanted.tags);
    if (problems.length > 0) reasons.push(describeTagProblems(problems));
    return {
      id: daemon.id,
      name: daemon.name,
      organization: organization.name,
      status: daemon.status ?? "offline",
      ...(daemon.last_seen_at ? { last_seen_at: daemon.last_seen_at } : {}),
      tags: daemon.tags,
      matches: reasons.length === 0,
      reason: reasons.join(", and "),
    };
  });
}
