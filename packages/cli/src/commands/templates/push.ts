import {
  ApiConnectionError,
  type Client,
  files,
  nameProblem,
  nameRule,
  type organizations,
  templates,
  templateVersions,
} from "@slipway/api/client";
import { Option } from "commander";
import { askVariables } from "../../ask-variables.ts";
import { checkVariables } from "../../check-variables.ts";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { findTemplateIfAny } from "../../find-template.ts";
import { importVersion } from "../../import-version.ts";
import { addSwitch, assignmentsOption, readAssignments } from "../../options.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { describeChanges, parameterChanges } from "../../parameter-changes.ts";
import { confirm } from "../../prompt.ts";
import { shellQuote } from "../../shell-quote.ts";
import { readTemplate, type TemplateSource } from "../../template-source.ts";
import { wholeRequest } from "../../whole-request.ts";
import { moment } from "../../workspace-builds.ts";

type Template = templates.Template;
type Version = templateVersions.TemplateVersion;
type PushOptions = {
  directory: string;
  name?: string;
  message?: string;
  activate: boolean;
  variablesFile?: string;
  variable?: string[];
  var?: string[];
  provisionerTag?: string[];
  alwaysPrompt?: boolean;
  ignoreLockfile?: boolean;
  displayName?: string;
  icon?: string;
  yes?: boolean;
  testProvisioner: "terraform" | "echo";
};

export const configure: Configure = (command, cli) => {
  command
    .argument("[template]", "name of the template (default: that of the directory)")
    .option("-d, --directory <path>", "directory of the template; - reads a tar archive from stdin", ".")
    .option("--name <version>", "name of the new version (default: made up)")
    .option("-m, --message <text>", "what this version changes");
  addSwitch(command, cli, "--activate", "make the new version the template's active one", { initial: true });
  command
    .option("--variables-file <file>", "file with the values of Terraform variables: YAML or tfvars")
    .addOption(assignmentsOption("--variable <name=value>", "value of a Terraform variable (repeatable)"))
    .addOption(assignmentsOption("--var <name=value>", "the same as --variable"))
    .option(
      "--provisioner-tag <key=value>",
      "tag of the provisioners that may run it (repeatable; default: those of the active version; - for none)",
      (value: string, previous: string[] | undefined) => [...(previous ?? []), value],
    );
  addSwitch(
    command,
    cli,
    "--always-prompt",
    "ask for the value of each Terraform variable, also of those with a default",
  );
  addSwitch(command, cli, "--ignore-lockfile", "do not warn when there is no .terraform.lock.hcl");
  command
    .option("--display-name <name>", "display name of the template (default: the README's, for a new one)")
    .option("--icon <path>", "icon of the template (default: the README's, for a new one)")
    .option("-y, --yes", "do not ask")
    .addOption(organizationOption())
    .addOption(
      new Option("--test-provisioner <type>").choices(["terraform", "echo"]).default("terraform").hideHelp(),
    );

  command.action(async (argument: string | undefined, options: PushOptions) => {
    const source = await readTemplate(cli, options.directory);
    const name = argument ?? source.name;
    if (!name) {
      throw new CliError("The template has no name.", { hint: "Give one: coder templates push NAME -d -" });
    }
    const problem = nameProblem(nameRule, name);
    if (problem) {
      throw new CliError(`The name of a template ${problem}`, {
        hint: `Give it another: coder templates push NAME -d ${shellQuote([options.directory])}`,
      });
    }
    for (const warning of source.warnings) cli.say(cli.err.yellow(warning));
    if (!source.hasLockFile && !options.ignoreLockfile) {
      cli.say(
        cli.err.yellow(
          "No .terraform.lock.hcl: the versions of providers are chosen now. Run terraform init to fix them yourself.",
        ),
      );
    }
    const given = await readVariables(cli, source, options);
    const variables = options.alwaysPrompt ? await askVariables(cli, source.tar, given) : given;
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const template = await findTemplateIfAny(client, organization, name);
    const active = template && (await activeVersion(client, template));
    const isNewMessage = template ? `Push a new version of ${name}?` : `Create the template ${name}?`;
    if (cli.interactive) await confirm(cli, options.yes, isNewMessage);

    let version: Version | undefined;
    try {
      const { hash } = await wholeRequest(cli, () =>
        client.call(files.uploadFile, { upload: { contentType: "application/x-tar", data: source.tar } }),
      );
      version = await importVersion(cli, client, {
        organizationId: organization.id,
        fileId: hash,
        templateId: template?.id,
        name: options.name,
        message: options.message ?? "",
        provisioner: options.testProvisioner,
        tags: readTags(options.provisionerTag) ?? inheritedTags(active),
        variables,
      });
      for (const warning of version.warnings ?? []) cli.say(cli.err.yellow(warning));
      if (template && active) await update(cli, client, { template, active, version, options });
      else await create(cli, client, { organization, name, version, source, options });
    } catch (err) {
      cli.say(`\n${whatIsLeft({ err, name, active, version, options })}`);
      cli.signal.throwIfAborted();
      throw err;
    }
    cli.say(`\nUpdated version ${cli.err.bold(version.name)} at ${moment()}!`);
  });
};

/** How the template stands after a push that came to no end, and what to do. */
function whatIsLeft(push: {
  err: unknown;
  name: string;
  active: Version | undefined;
  version: Version | undefined;
  options: PushOptions;
}): string {
  const { err, name, active, version, options } = push;
  if (active && version) {
    const promote = `coder templates versions promote -t ${name} -v ${version.name}`;
    const next = options.activate ? `, but not active. Activate it: ${promote}` : ".";
    return `The version ${version.name} of ${name} is there${next}`;
  }
  if (active) return `The template ${name} keeps its active version ${active.name}.`;
  if (version && err instanceof ApiConnectionError) {
    return `Whether the template ${name} was made is not known. Push it again: that is right in either case.`;
  }
  return `The template ${name} was not made. There is nothing to clean up: push it again.`;
}

async function create(
  cli: Cli,
  client: Client,
  made: {
    organization: organizations.Organization;
    name: string;
    version: Version;
    source: TemplateSource;
    options: PushOptions;
  },
): Promise<void> {
  const { readme } = made.source;
  const displayName = made.options.displayName ?? readme.displayName;
  const icon = made.options.icon ?? readme.icon;
  await wholeRequest(cli, () =>
    client.call(templates.createTemplate, {
      params: { organization: made.organization.id },
      body: {
        name: made.name,
        template_version_id: made.version.id,
        ...(displayName ? { display_name: displayName } : {}),
        ...(icon ? { icon } : {}),
        ...(isShortEnough(readme.description) ? { description: readme.description } : {}),
      },
    }),
  );
  cli.say(
    `\nThe ${cli.err.bold(made.name)} template has been created at ${moment()}! Make a workspace from it:\n`,
  );
  cli.say(`  ${cli.err.cyan(`${cli.self} create --template=${JSON.stringify(made.name)} [workspace name]`)}`);
}

// Longer ones are refused; a README may hold one all the same.
function isShortEnough(description: string | undefined): description is string {
  return description !== undefined && Buffer.byteLength(description) < 128;
}

async function update(
  cli: Cli,
  client: Client,
  made: { template: Template; active: Version; version: Version; options: PushOptions },
): Promise<void> {
  const { template, active, version, options } = made;
  const [before, after] = await wholeRequest(cli, () =>
    Promise.all(
      [active, version].map((one) =>
        client.call(templateVersions.getRichParameters, { params: { templateversion: one.id } }),
      ),
    ),
  );
  const changes = parameterChanges(before ?? [], after ?? []);
  const lines = describeChanges(changes, cli.err);
  if (lines.length > 0) cli.say(`\nParameters, against version ${active.name}:\n${lines.join("\n")}\n`);
  if (options.activate && changes.removed.length > 0) {
    const names = changes.removed.map((one) => one.name).join(", ");
    await confirm(
      cli,
      options.yes,
      `Workspaces lose the values of: ${names}. Activate the version all the same?`,
    );
  }
  if (options.displayName !== undefined || options.icon !== undefined) {
    await wholeRequest(cli, () =>
      client.call(templates.updateTemplate, {
        params: { template: template.id },
        body: {
          ...(options.displayName === undefined ? {} : { display_name: options.displayName }),
          ...(options.icon === undefined ? {} : { icon: options.icon }),
        },
      }),
    );
  }
  if (!options.activate) return;
  await wholeRequest(cli, () =>
    client.call(templateVersions.updateActiveTemplateVersion, {
      params: { template: template.id },
      body: { id: version.id },
    }),
  );
}

function activeVersion(client: Client, template: Template): Promise<Version> {
  return client.call(templateVersions.getTemplateVersion, {
    params: { templateversion: template.active_version_id },
  });
}

/** Files that Terraform would read by itself, then the named file, then flags: later ones win. */
async function readVariables(
  cli: Cli,
  source: TemplateSource,
  options: PushOptions,
): Promise<Map<string, string>> {
  const { readVariablesFile } = await import("../../template-source.ts");
  const named = options.variablesFile ? await readVariablesFile(options.variablesFile) : new Map();
  const flags = readAssignments("--variable", [...(options.variable ?? []), ...(options.var ?? [])]);
  // Echo archives hold no Terraform code that could declare anything.
  if (options.testProvisioner === "terraform") {
    await checkVariables(cli, source.tar, { byFlag: flags.keys(), byFile: named.keys() });
  }
  return new Map([...source.variables, ...named, ...flags]);
}

/** Only what a push asked for: where the active version's code put it, the new version's code decides anew. */
function inheritedTags(active: Version | undefined): Record<string, string> {
  return active?.requested_tags ?? active?.job.tags ?? {};
}

/** A single `-` clears the tags; no flag at all leaves them as they are. */
function readTags(lines: readonly string[] | undefined): Record<string, string> | undefined {
  if (!lines) return undefined;
  const given = lines.filter((line) => line !== "-");
  return Object.fromEntries(readAssignments("--provisioner-tag", given));
}
