import { formatDuration, workspaces } from "@slipway/api/client";
import { describeAutostart } from "../autostart-schedule.ts";
import type { Configure } from "../command-tree.ts";
import { type Column, listFormat, printList } from "../output/format-list.ts";
import { relativeTime } from "../relative-time.ts";

type Workspace = workspaces.Workspace;

const isStarted = (one: Workspace) => one.latest_build.transition === "start";

const statusNames: Record<Workspace["latest_build"]["status"], string> = {
  pending: "Pending",
  starting: "Starting",
  running: "Started",
  stopping: "Stopping",
  stopped: "Stopped",
  failed: "Failed",
  canceling: "Canceling",
  canceled: "Canceled",
  deleting: "Deleting",
  deleted: "Deleted",
};

const columns: Column<Workspace>[] = [
  { name: "favorite", value: (one) => String(one.favorite) },
  { name: "workspace", value: (one) => `${one.owner_name}/${one.name}` },
  { name: "organization id", value: (one) => one.organization_id },
  { name: "organization name", value: (one) => one.organization_name },
  { name: "template", value: (one) => one.template_name },
  { name: "status", value: (one) => (one.dormant_at ? "Dormant" : statusNames[one.latest_build.status]) },
  { name: "healthy", value: (one) => (isStarted(one) ? String(one.health.healthy) : "") },
  {
    name: "last built",
    value: (one) => relativeTime(one.latest_build.job.completed_at ?? one.latest_build.created_at),
  },
  { name: "current version", value: (one) => one.latest_build.template_version_name },
  { name: "outdated", value: (one) => String(one.outdated) },
  { name: "starts at", value: (one) => describeAutostart(one.autostart_schedule) },
  { name: "starts next", value: (one) => (one.next_start_at ? relativeTime(one.next_start_at) : "") },
  { name: "stops after", value: (one) => (one.ttl_ms ? goDuration(one.ttl_ms) : "") },
  {
    name: "stops next",
    value: (one) =>
      isStarted(one) && one.latest_build.deadline ? relativeTime(one.latest_build.deadline) : "",
  },
  { name: "daily cost", value: (one) => String(one.latest_build.daily_cost) },
];

const defaults = [
  "workspace",
  "template",
  "status",
  "healthy",
  "last built",
  "current version",
  "outdated",
  "starts at",
  "stops after",
];

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, columns, defaults);
  command
    .option("-a, --all", "all workspaces that you may see, not only your own")
    .option(
      "--search <query>",
      "which workspaces, such as 'owner:me template:docker status:running'",
      "owner:me",
    );
  command.action(async ({ all, search }: { all?: boolean; search: string }) => {
    const chosen = format();
    const client = await cli.client();
    // --all widens the default search, not one that was given.
    const q = all && command.getOptionValueSource("search") === "default" ? "" : search;
    const { workspaces: found } = await client.call(workspaces.getWorkspaces, { query: { q } });
    // Favourites first, as in the dashboard; the server sorts the rest.
    const sorted = found.toSorted((a, b) => Number(b.favorite) - Number(a.favorite));
    printList(cli, chosen, sorted, `No workspaces found! Create one:\n\n  ${cli.self} create <name>\n`);
  });
};

/** `8h`, not Go's `8h0m0s`. */
function goDuration(ms: number): string {
  return formatDuration(ms)
    .replace(/(?<=[hm])0s$/, "")
    .replace(/(?<=h)0m$/, "");
}
