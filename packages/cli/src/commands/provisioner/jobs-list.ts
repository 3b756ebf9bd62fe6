import { jobs } from "@slipway/api/client";
import { Option } from "commander";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { listOption, numberOption } from "../../options.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { type Column, listFormat, printList } from "../../output/format-list.ts";
import { tagsText } from "../../output/tags-text.ts";

type Job = jobs.ProvisionerJob;
type Row = Job & { organization: string };

const statuses: readonly Job["status"][] = [
  "pending",
  "running",
  "succeeded",
  "canceling",
  "canceled",
  "failed",
  "unknown",
];

const columns: Column<Row>[] = [
  { name: "id", value: (job) => job.id },
  { name: "created at", value: (job) => job.created_at },
  { name: "started at", value: (job) => job.started_at ?? "" },
  { name: "completed at", value: (job) => job.completed_at ?? "" },
  { name: "canceled at", value: (job) => job.canceled_at ?? "" },
  { name: "error", value: (job) => job.error ?? "" },
  { name: "error code", value: (job) => job.error_code ?? "" },
  { name: "status", value: (job) => job.status },
  { name: "worker id", value: (job) => job.worker_id ?? "" },
  { name: "worker name", value: (job) => job.worker_name ?? "" },
  { name: "file id", value: (job) => job.file_id },
  { name: "tags", value: (job) => tagsText(job.tags) },
  { name: "queue position", value: (job) => String(job.queue_position) },
  { name: "queue size", value: (job) => String(job.queue_size) },
  { name: "organization id", value: (job) => job.organization_id },
  { name: "initiator id", value: (job) => job.initiator_id },
  { name: "template version id", value: (job) => job.input.template_version_id ?? "" },
  { name: "workspace build id", value: (job) => job.input.workspace_build_id ?? "" },
  { name: "type", value: (job) => job.type },
  { name: "available workers", value: (job) => `[${(job.available_workers ?? []).join(" ")}]` },
  { name: "template version name", value: (job) => job.metadata.template_version_name },
  { name: "template id", value: (job) => job.metadata.template_id },
  { name: "template name", value: (job) => job.metadata.template_name },
  { name: "template display name", value: (job) => job.metadata.template_display_name },
  { name: "template icon", value: (job) => job.metadata.template_icon },
  { name: "workspace id", value: (job) => job.metadata.workspace_id ?? "" },
  { name: "workspace name", value: (job) => job.metadata.workspace_name ?? "" },
  { name: "workspace build transition", value: (job) => job.metadata.workspace_build_transition ?? "" },
  { name: "logs overflowed", value: (job) => String(job.logs_overflowed) },
  { name: "organization", value: (job) => job.organization },
  {
    name: "queue",
    value: (job) => (job.status === "pending" ? `${job.queue_position}/${job.queue_size}` : ""),
  },
  { name: "pending reason", value: (job) => job.pending_reason ?? "" },
];

const defaults = ["created at", "id", "type", "template display name", "status", "queue", "tags"];

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, columns, defaults);
  command
    .addOption(
      listOption(
        "-s, --status <status>",
        `only those with this status: ${statuses.join(", ")} (repeatable)`,
        "CODER_PROVISIONER_JOB_LIST_STATUS",
      ),
    )
    .addOption(
      numberOption("-l, --limit <count>", "how many to show", "CODER_PROVISIONER_JOB_LIST_LIMIT").default(50),
    )
    .addOption(
      new Option("-i, --initiator <user>", "only those that this user asked for").env(
        "CODER_PROVISIONER_JOB_LIST_INITIATOR",
      ),
    )
    .addOption(organizationOption());
  command.action(async (options: { status?: string[]; limit: number; initiator?: string }) => {
    const chosen = format();
    const wanted = options.status?.map(readStatus);
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const found = await client.call(jobs.getJobs, {
      params: { organization: organization.id },
      query: {
        limit: options.limit,
        ...(wanted ? { status: wanted } : {}),
        ...(options.initiator ? { initiator: options.initiator } : {}),
      },
    });
    // Newest last, where the eye is when a long list has scrolled by.
    const rows = found
      .map((job) => ({
        ...job,
        organization: organization.name,
        organization_name: organization.display_name || organization.name,
      }))
      .sort((a, b) => a.created_at.localeCompare(b.created_at));
    printList(cli, chosen, rows, "No provisioner jobs found");
  });
};

function readStatus(text: string): Job["status"] {
  const status = statuses.find((one) => one === text);
  if (status) return status;
  throw new CliError(`--status: "${text}" is not a status.`, { hint: `Use ${statuses.join(", ")}.` });
}
