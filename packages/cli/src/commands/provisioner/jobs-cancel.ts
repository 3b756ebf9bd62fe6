import {
  ApiResponseError,
  builds,
  type Client,
  jobs,
  type organizations,
  templateVersions,
} from "@slipway/api/client";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<job-id>", "the job to cancel").addOption(organizationOption());
  command.action(async (id: string) => {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) {
      throw new CliError(`invalid job ID: "${id}"`, { hint: "List them: coder provisioner jobs list" });
    }
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const job = await findJob(client, organization, id);
    requireCancelable(job);
    cli.say(await cancel(client, job));
    cli.say("Job canceled");
    if (job.status === "running") {
      cli.say(`${job.worker_name ?? "Its daemon"} interrupts Terraform, and ends it by force if it goes on.`);
    }
  });
};

async function findJob(
  client: Client,
  organization: organizations.Organization,
  id: string,
): Promise<jobs.ProvisionerJob> {
  try {
    return await client.call(jobs.getJob, { params: { organization: organization.id, job: id } });
  } catch (err) {
    if (!(err instanceof ApiResponseError && err.status === 404)) throw err;
    throw new CliError(`The organization ${organization.name} has no job ${id}, or you may not see it.`, {
      hint: "List them: coder provisioner jobs list. Another organization is chosen with --org.",
      cause: err,
    });
  }
}

function requireCancelable(job: jobs.ProvisionerJob): void {
  if (job.status === "canceling") {
    throw new CliError(`The job ${job.id} was canceled already, and ends as soon as Terraform has stopped.`);
  }
  if (job.completed_at === undefined) return;
  const outcome = { succeeded: "succeeded", failed: "failed", canceled: "was canceled" };
  const how = Object.entries(outcome).find(([status]) => status === job.status)?.[1] ?? "ended";
  throw new CliError(`The job ${job.id} ${how} at ${job.completed_at}: there is nothing to cancel.`);
}

/** Each kind of job is canceled through what it works for. */
async function cancel(client: Client, job: jobs.ProvisionerJob): Promise<string> {
  const { workspace_build_id: build, template_version_id: version } = job.input;
  switch (job.type) {
    case "workspace_build":
      if (!build) break;
      await client.call(builds.cancelBuild, { params: { workspacebuild: build } });
      return `Canceling workspace build job (${job.id})`;
    case "template_version_import":
      if (!version) break;
      await client.call(templateVersions.cancelTemplateVersion, { params: { templateversion: version } });
      return `Canceling template version import job (${job.id})`;
    case "template_version_dry_run":
      if (!version) break;
      await client.call(templateVersions.cancelDryRun, { params: { templateversion: version, job: job.id } });
      return `Canceling template version dry run job (${job.id})`;
  }
  throw new CliError(`The job ${job.id} does not say what it works for, and can't be canceled.`);
}
