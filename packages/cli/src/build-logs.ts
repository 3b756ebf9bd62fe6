import { builds, type Client, type jobs } from "@slipway/api/client";
import type { Cli } from "./cli.ts";
import { followJob } from "./follow-job.ts";

type Build = builds.WorkspaceBuild;

/**
 * Shows a build's logs until it has ended, and returns the build as it is then. A build that fails or is canceled
 * throws (see {@link followJob}, also for what Ctrl-C does).
 */
export async function followBuild(
  cli: Cli,
  client: Client,
  build: Build,
  options: { quiet?: boolean } = {},
): Promise<Build> {
  const params = { workspacebuild: build.id };
  const fetch = async (): Promise<jobs.ProvisionerJob> =>
    (await client.call(builds.getBuild, { params })).job;
  await followJob(cli, build.job, {
    title: `${build.transition === "delete" ? "deletion" : build.transition} of ${build.workspace_name}`,
    fetch,
    logs: (after) => client.webSocket(builds.getBuildLogs, { params, query: { follow: true, after } }),
    cancel: () => client.call(builds.cancelBuild, { params }),
    ...options,
  });
  return client.call(builds.getBuild, { params });
}
