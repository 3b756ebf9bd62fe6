import { daemons } from "@slipway/api/client";
import { Option } from "commander";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { addSwitch, listOption, numberOption, readDuration } from "../../options.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { type Column, listFormat, printList } from "../../output/format-list.ts";
import { tagsText } from "../../output/tags-text.ts";

type Daemon = daemons.ProvisionerDaemon;
type Row = Daemon & { organization: string };
type Status = NonNullable<Daemon["status"]>;

const statuses: readonly Status[] = ["offline", "idle", "busy"];

function jobColumns(kind: "current" | "previous"): Column<Row>[] {
  const job = (row: Row) => (kind === "current" ? row.current_job : row.previous_job);
  return [
    { name: `${kind} job id`, value: (row) => job(row)?.id ?? "" },
    { name: `${kind} job status`, value: (row) => job(row)?.status ?? "" },
    { name: `${kind} job template name`, value: (row) => job(row)?.template_name ?? "" },
    { name: `${kind} job template icon`, value: (row) => job(row)?.template_icon ?? "" },
    { name: `${kind} job template display name`, value: (row) => job(row)?.template_display_name ?? "" },
  ];
}

const columns: Column<Row>[] = [
  { name: "id", value: (row) => row.id },
  { name: "organization id", value: (row) => row.organization_id },
  { name: "created at", value: (row) => row.created_at },
  { name: "last seen at", value: (row) => row.last_seen_at ?? "" },
  { name: "name", value: (row) => row.name },
  { name: "version", value: (row) => row.version },
  { name: "api version", value: (row) => row.api_version },
  { name: "tags", value: (row) => tagsText(row.tags) },
  { name: "key name", value: (row) => row.key_name ?? "" },
  { name: "status", value: (row) => row.status ?? "" },
  ...jobColumns("current"),
  ...jobColumns("previous"),
  { name: "organization", value: (row) => row.organization },
];

const defaults = ["created at", "last seen at", "key name", "name", "version", "status", "tags"];

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, columns, defaults);
  command.addOption(
    numberOption("-l, --limit <count>", "how many to show", "CODER_PROVISIONER_LIST_LIMIT").default(50),
  );
  addSwitch(command, cli, "-f, --show-offline", "those that are not connected, too", {
    env: "CODER_PROVISIONER_SHOW_OFFLINE",
  });
  command
    .addOption(
      listOption(
        "-s, --status <status>",
        `only those with this status: ${statuses.join(", ")} (repeatable)`,
        "CODER_PROVISIONER_LIST_STATUS",
      ),
    )
    .addOption(
      new Option("-m, --max-age <duration>", "only those seen within this time, such as 24h").env(
        "CODER_PROVISIONER_LIST_MAX_AGE",
      ),
    )
    .addOption(organizationOption());
  command.action(
    async (options: { limit: number; showOffline?: boolean; status?: string[]; maxAge?: string }) => {
      const chosen = format();
      const wanted = options.status?.map(readStatus);
      if (options.maxAge) readDuration("--max-age", options.maxAge);
      const client = await cli.client();
      const organization = await selectOrganization(client, command);
      const found = await client.call(daemons.getDaemons, {
        params: { organization: organization.id },
        query: {
          limit: options.limit,
          offline: Boolean(options.showOffline),
          ...(wanted ? { status: wanted } : {}),
          ...(options.maxAge ? { max_age: options.maxAge } : {}),
        },
      });
      const rows = found.map((one) => ({
        ...one,
        organization: organization.name,
        organization_name: organization.display_name || organization.name,
      }));
      printList(cli, chosen, rows, "No provisioner daemons found.");
    },
  );
};

function readStatus(text: string): Status {
  const status = statuses.find((one) => one === text);
  if (status) return status;
  throw new CliError(`--status: "${text}" is not a status.`, { hint: `Use ${statuses.join(", ")}.` });
}
