import {
  ApiResponseError,
  builds,
  type Client,
  randomName,
  templates,
  templateVersions,
  users,
  workspaces,
} from "@slipway/api/client";
import { type Command, Option } from "commander";
import { parseAutostart } from "../autostart-schedule.ts";
import { followBuild } from "../build-logs.ts";
import { choosePreset } from "../choose-preset.ts";
import type { Cli } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";
import { dryRun } from "../dry-run.ts";
import { findVersion } from "../find-template.ts";
import { addSwitch, readDuration } from "../options.ts";
import { organizationOption, selectOrganization } from "../organization.ts";
import { resourceTree } from "../output/resource-tree.ts";
import {
  addParameterOptions,
  type NameValue,
  type ParameterOptions,
  resolveBuildParameters,
} from "../parameters.ts";
import { askChoice, askText, confirm } from "../prompt.ts";
import { warnUnmatched } from "../warn-unmatched.ts";
import { wholeRequest } from "../whole-request.ts";
import { fetchWorkspace, newWorkspaceProblem, parseWorkspaceReference } from "../workspace-argument.ts";
import { moment, waitUntilReady } from "../workspace-builds.ts";

type Template = templates.Template;
type CreateOptions = ParameterOptions & {
  template?: string;
  templateVersion?: string;
  preset?: string;
  startAt?: string;
  stopAfter?: string;
  automaticUpdates: workspaces.AutomaticUpdates;
  copyParametersFrom?: string;
  wait: boolean;
  yes?: boolean;
};

export const configure: Configure = (command, cli) => {
  command.argument("[workspace]", "NAME or OWNER/NAME of the new workspace");
  const option = (flags: string, env: string, description: string) =>
    command.addOption(new Option(flags, description).env(env));
  option("-t, --template <name>", "CODER_TEMPLATE_NAME", "template to make the workspace from");
  option(
    "--template-version <version>",
    "CODER_TEMPLATE_VERSION",
    "name or id of the version (default: the active one)",
  );
  option("--preset <name>", "CODER_PRESET_NAME", "preset to take parameter values from; none for no preset");
  option(
    "--start-at <schedule>",
    "CODER_WORKSPACE_START_AT",
    "when to start by itself, such as '9:30AM Mon-Fri Europe/Dublin'",
  );
  option(
    "--stop-after <duration>",
    "CODER_WORKSPACE_STOP_AFTER",
    "how long after a start to stop by itself, such as 8h",
  );
  command.addOption(
    new Option("--automatic-updates <policy>", "whether each start moves to the template's active version")
      .choices(["always", "never"])
      .env("CODER_WORKSPACE_AUTOMATIC_UPDATES")
      .default("never"),
  );
  option(
    "--copy-parameters-from <workspace>",
    "CODER_WORKSPACE_COPY_PARAMETERS_FROM",
    "workspace to copy parameter values from",
  );
  addSwitch(command, cli, "--no-wait", "return as soon as the workspace is queued", {
    env: "CODER_CREATE_NO_WAIT",
  });
  addParameterOptions(command, cli);
  command.option("-y, --yes", "do not ask").addOption(organizationOption());

  command.action(async (argument: string | undefined, options: CreateOptions) => {
    const schedule = options.startAt ? parseAutostart(options.startAt) : undefined;
    const ttlMs = options.stopAfter ? readDuration("--stop-after", options.stopAfter) : undefined;
    const client = await cli.client();
    const { owner, name } = await nameOf(cli, client, argument);
    const source = options.copyParametersFrom
      ? await fetchWorkspace(client, options.copyParametersFrom)
      : undefined;
    const template =
      source && !options.template
        ? await client.call(templates.getTemplate, { params: { template: source.template_id } })
        : await chooseTemplate(cli, client, command, options.template);
    const versionId = options.templateVersion
      ? (await findVersion(client, template, options.templateVersion)).id
      : template.active_version_id;
    const preset = await choosePreset(cli, client, versionId, options.preset);
    if (preset) cli.say(`Preset ${cli.err.bold(preset.Name)}`);
    const values = await resolveBuildParameters(cli, client, {
      versionId,
      action: "create",
      ownerId:
        owner === "me" ? undefined : (await client.call(users.getUser, { params: { user: owner } })).id,
      isClassic: template.use_classic_parameter_flow,
      options,
      previous: source
        ? await client.call(builds.getBuildParameters, {
            params: { workspacebuild: source.latest_build.id },
          })
        : [],
      preset: preset?.Parameters.map((one) => ({ name: one.Name, value: one.Value })) ?? [],
    });
    await showPlan(cli, client, { versionId, name, values, isPlanned: !options.yes });
    await confirm(cli, options.yes, "Confirm create?");
    // Interrupted now, its build is canceled below, instead of going on with nobody knowing.
    const workspace = await wholeRequest(cli, () =>
      client.call(workspaces.createWorkspace, {
        params: { user: owner },
        body: {
          template_version_id: versionId,
          name,
          rich_parameter_values: values,
          automatic_updates: options.automaticUpdates,
          ...(schedule ? { autostart_schedule: schedule } : {}),
          ...(ttlMs ? { ttl_ms: ttlMs } : {}),
          ...(preset ? { template_version_preset_id: preset.ID } : {}),
        },
      }),
    );
    const shown = owner === "me" ? name : `${workspace.owner_name}/${name}`;
    if (!options.wait) {
      warnUnmatched(cli, workspace.latest_build.job);
      cli.say(
        `\nThe ${cli.err.bold(shown)} workspace is being created. Follow it: ${cli.self} logs -f ${shown}`,
      );
      return;
    }
    await followBuild(cli, client, workspace.latest_build);
    const ready = await waitUntilReady(cli, client, workspace.id);
    cli.say(`\nThe ${cli.err.bold(shown)} workspace has been created at ${moment()}!`);
    if (ready.latest_build.resources.some((resource) => (resource.agents ?? []).length > 0)) {
      cli.say(`Open a shell in it: ${cli.err.cyan(`${cli.self} ssh ${shown}`)}`);
    }
  });
};

async function nameOf(
  cli: Cli,
  client: Client,
  argument: string | undefined,
): Promise<{ owner: string; name: string }> {
  const text =
    argument ??
    (await askText(cli, {
      message: "Name of the new workspace",
      flag: "the name, as in: coder create NAME",
      suggested: randomName(),
      validate: newWorkspaceProblem,
    }));
  const problem = newWorkspaceProblem(text);
  if (problem) throw new CliError(problem);
  const reference = parseWorkspaceReference(text);
  if ("id" in reference) throw new CliError("A new workspace is named as NAME or OWNER/NAME.");
  const existing = await client
    .call(workspaces.getWorkspaceByName, {
      params: { user: reference.owner, workspacename: reference.name },
    })
    .catch((err: unknown) => {
      if (err instanceof ApiResponseError && err.status === 404) return undefined;
      throw err;
    });
  if (existing) throw new CliError(`A workspace already exists named "${text}"!`);
  return reference;
}

async function chooseTemplate(
  cli: Cli,
  client: Client,
  command: Command,
  name: string | undefined,
): Promise<Template> {
  const all = await client.call(templates.getTemplates);
  const { org } = command.opts<{ org?: string }>();
  const organization = org ? await selectOrganization(client, command) : undefined;
  const inReach = organization ? all.filter((one) => one.organization_id === organization.id) : all;
  if (name) {
    const wanted = name.toLowerCase();
    const found = inReach.filter((one) => one.name.toLowerCase() === wanted || one.id === wanted);
    const [only, another] = found;
    if (only && !another) return only;
    if (another) {
      throw new CliError(`Several organizations have a template "${name}".`, {
        hint: `Choose one with --org=<org_name>: ${found.map((one) => one.organization_name).join(", ")}.`,
      });
    }
    throw new CliError(`template "${name}" not found`, { hint: templatesHint(inReach) });
  }
  if (inReach.length === 0) throw new CliError("There is no template yet.", { hint: templatesHint([]) });
  const usable = inReach
    .filter((one) => !one.deprecated)
    .sort((a, b) => b.active_user_count - a.active_user_count);
  const chosen = await askChoice(cli, {
    message: "Template",
    flag: "--template",
    options: usable.map((one) => ({
      value: one.id,
      label: one.name,
      ...(one.description ? { hint: one.description } : {}),
    })),
  });
  const template = usable.find((one) => one.id === chosen);
  if (!template) throw new CliError("No template was chosen.", { hint: "Give --template." });
  return template;
}

function templatesHint(all: readonly Template[]): string {
  if (all.length === 0) return "Make one: coder templates init, then coder templates push.";
  return `Templates: ${all.map((one) => one.name).join(", ")}.`;
}

/**
 * What will be made. To be asked about it, a plan with the chosen values; with --yes nobody waits for an answer, and
 * the resources that the version's import found must do: the build plans anyway, a moment later.
 */
async function showPlan(
  cli: Cli,
  client: Client,
  plan: { versionId: string; name: string; values: NameValue[]; isPlanned: boolean },
): Promise<void> {
  const resources = plan.isPlanned
    ? await dryRun(cli, client, { versionId: plan.versionId, workspaceName: plan.name, values: plan.values })
    : await client.call(templateVersions.getVersionResources, {
        params: { templateversion: plan.versionId },
      });
  const tree = resourceTree(
    resources.filter((resource) => resource.workspace_transition === "start"),
    cli.err,
  );
  if (tree) cli.say(`\n${tree}\n`);
}
