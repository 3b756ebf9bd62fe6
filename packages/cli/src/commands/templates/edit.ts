import { type BodyInputOf, templates } from "@slipway/api/client";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { findTemplate } from "../../find-template.ts";
import { addSwitch, listOption, numberOption, readDuration } from "../../options.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { confirm } from "../../prompt.ts";

type Changes = BodyInputOf<typeof templates.updateTemplate>;
type Weekday = (typeof weekdays)[number];

export type EditOptions = {
  name?: string;
  displayName?: string;
  description?: string;
  icon?: string;
  deprecated?: string;
  defaultTtl?: string;
  activityBump?: string;
  autostopReminder?: string;
  autostartRequirementWeekdays?: string[];
  autostopRequirementWeekdays?: string[];
  autostopRequirementWeeks?: number;
  failureTtl?: string;
  dormancyThreshold?: string;
  dormancyAutoDeletion?: string;
  agentsAllowed?: boolean;
  allowUserCancelWorkspaceJobs?: boolean;
  allowUserAutostart?: boolean;
  allowUserAutostop?: boolean;
  requireActiveVersion?: boolean;
  private?: boolean;
  yes?: boolean;
};

const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

export const configure: Configure = (command, cli) => {
  command
    .argument("<template>", "the template")
    .option("--name <name>", "name from now on")
    .option("--display-name <name>", "display name")
    .option("--description <text>", "description, shorter than 128 bytes")
    .option("--icon <path>", "icon")
    .option("--deprecated <message>", "make no new workspaces from it, and say this; empty to take it back")
    .option("--default-ttl <duration>", "how long after a start workspaces stop by themselves; 0 for never")
    .option("--activity-bump <duration>", "how far activity moves the stop")
    .option(
      "--autostop-reminder <duration>",
      "how long before the stop to remind the user; 0 for no reminder",
    )
    .addOption(
      listOption("--autostart-requirement-weekdays <days>", "days on which autostart may happen, or all"),
    )
    .addOption(
      listOption("--autostop-requirement-weekdays <days>", "days on which workspaces must stop, or none"),
    )
    .addOption(numberOption("--autostop-requirement-weeks <weeks>", "in every how many weeks they must stop"))
    .option("--failure-ttl <duration>", "how long after a failed start to stop; 0 for never")
    .option("--dormancy-threshold <duration>", "how long unused until dormant; 0 for never")
    .option("--dormancy-auto-deletion <duration>", "how long dormant until deleted; 0 for never");
  addSwitch(command, cli, "--agents-allowed", "agents may be used with its workspaces");
  addSwitch(command, cli, "--allow-user-cancel-workspace-jobs", "users may cancel running builds");
  addSwitch(command, cli, "--allow-user-autostart", "users may set when their workspaces start");
  addSwitch(command, cli, "--allow-user-autostop", "users may set when their workspaces stop");
  addSwitch(command, cli, "--require-active-version", "starts use the active version");
  addSwitch(command, cli, "--private", "take it away from the group of everyone");
  command.option("-y, --yes", "do not ask").addOption(organizationOption());
  command.action(async (name: string, options: EditOptions) => {
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const template = await findTemplate(client, organization, name);
    const changes = templateChanges(options, template.autostop_requirement);
    if (Object.keys(changes).length === 0) {
      throw new CliError("There is nothing to change.", { hint: "See coder templates edit --help." });
    }
    if (cli.interactive) await confirm(cli, options.yes, `Change the template ${template.name}?`);
    await client.call(templates.updateTemplate, { params: { template: template.id }, body: changes });
    cli.say(`Updated template metadata of ${cli.err.bold(changes.name ?? template.name)}!`);
  });
};

/**
 * The flags that were given, as fields of the API. Days and weeks of the required stop are one field there: giving
 * one of the flags must not reset the other.
 */
export function templateChanges(
  options: EditOptions,
  autostop: templates.Template["autostop_requirement"],
): Changes {
  const duration = (flag: string, text: string | undefined) =>
    text === undefined ? undefined : readDuration(flag, text);
  const days = options.autostopRequirementWeekdays;
  const weeks = options.autostopRequirementWeeks;
  const all: Changes = {
    name: options.name,
    display_name: options.displayName,
    description: options.description,
    icon: options.icon,
    deprecation_message: options.deprecated,
    default_ttl_ms: duration("--default-ttl", options.defaultTtl),
    activity_bump_ms: duration("--activity-bump", options.activityBump),
    time_til_autostop_notify_ms: duration("--autostop-reminder", options.autostopReminder),
    autostart_requirement: options.autostartRequirementWeekdays && {
      days_of_week: readWeekdays(
        "--autostart-requirement-weekdays",
        options.autostartRequirementWeekdays,
        "all",
      ),
    },
    autostop_requirement:
      days || weeks !== undefined
        ? {
            days_of_week: days
              ? readWeekdays("--autostop-requirement-weekdays", days, "none")
              : autostop.days_of_week,
            weeks: weeks ?? autostop.weeks,
          }
        : undefined,
    failure_ttl_ms: duration("--failure-ttl", options.failureTtl),
    time_til_dormant_ms: duration("--dormancy-threshold", options.dormancyThreshold),
    time_til_dormant_autodelete_ms: duration("--dormancy-auto-deletion", options.dormancyAutoDeletion),
    agents_allowed: options.agentsAllowed,
    allow_user_cancel_workspace_jobs: options.allowUserCancelWorkspaceJobs,
    allow_user_autostart: options.allowUserAutostart,
    allow_user_autostop: options.allowUserAutostop,
    require_active_version: options.requireActiveVersion,
    disable_everyone_group_access: options.private,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function readWeekdays(flag: string, given: readonly string[], word: "all" | "none"): Weekday[] {
  const names = given.map((day) => day.toLowerCase());
  if (names.length === 1 && names[0] === word) return word === "all" ? [...weekdays] : [];
  return names.map((name) => {
    const day = weekdays.find((one) => one === name);
    if (day) return day;
    throw new CliError(`${flag}: "${name}" is not a day of the week.`, {
      hint: `Use ${weekdays.join(", ")}, or ${word}.`,
    });
  });
}
