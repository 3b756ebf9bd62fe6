import type { jobs } from "@slipway/api/client";
import type { Cli } from "./cli.ts";

/** Says at once that a job was queued for nobody, instead of letting a person wait and wonder. */
export function warnUnmatched(
  cli: Cli,
  job: jobs.ProvisionerJob,
  matched: jobs.MatchedProvisioners | undefined,
): void {
  if (!matched || matched.available > 0 || job.status !== "pending") return;
  const tags = JSON.stringify(job.tags);
  const why =
    matched.count === 0
      ? "there is no provisioner that accepts the tags it requires"
      : "the provisioners that accept the tags it requires have not responded lately";
  cli.say(
    cli.err.yellow(
      `The job is queued, but ${why}. It goes on as soon as one connects; an administrator can start one.`,
    ),
  );
  cli.say(`  Provisioner job ID: ${job.id}\n  Required tags:      ${tags}`);
}
