import { type builds, type Client, templateVersions } from "@slipway/api/client";
import type { Cli } from "./cli.ts";
import { followJob } from "./follow-job.ts";
import type { NameValue } from "./parameters.ts";

/** Plans a workspace without making it and returns what it would consist of. Logs are shown only when it fails. */
export async function dryRun(
  cli: Cli,
  client: Client,
  plan: { versionId: string; workspaceName: string; values: NameValue[] },
): Promise<builds.WorkspaceResource[]> {
  const templateversion = plan.versionId;
  const created = await client.call(templateVersions.createDryRun, {
    params: { templateversion },
    body: { workspace_name: plan.workspaceName, rich_parameter_values: plan.values },
  });
  const params = { templateversion, job: created.id };
  await followJob(cli, created, {
    title: "plan",
    quiet: true,
    fetch: () => client.call(templateVersions.getDryRun, { params }),
    logs: (after) =>
      client.webSocket(templateVersions.getDryRunLogs, { params, query: { follow: true, after } }),
    cancel: () => client.call(templateVersions.cancelDryRun, { params }),
  });
  return client.call(templateVersions.getDryRunResources, { params });
}
