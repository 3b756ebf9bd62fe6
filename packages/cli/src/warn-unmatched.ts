import type { jobs } from "@slipway/api/client";
import type { Cli } from "./cli.ts";
import { tagsText } from "./output/tags-text.ts";

/**
 * Says at once that a job was queued for nobody, instead of letting a person wait and wonder. Returns what was said of
 * the reason, so that it need not be said again.
 */
export function warnUnmatched(cli: Cli, job: jobs.ProvisionerJob): string | undefined {
  const { pending } = job;
  if (!pending || !isStuck(pending.code)) return undefined;
  const why =
    pending.code === "offline"
      ? "the provisioners that accept the tags it requires have not responded lately"
      : "there is no provisioner that accepts the tags it requires";
  cli.say(cli.err.yellow(`The job is queued, but ${why}. It goes on as soon as one connects.`));
  cli.say(`  ${pending.message}`);
  cli.say(`  Provisioner job ID: ${job.id}\n  Required tags:      ${tagsText(job.tags)}`);
  return pending.message;
}

/** Will the job wait until somebody does something? Those that are busy, or about to take it, pass by themselves. */
function isStuck(code: jobs.PendingCode): boolean {
  return code === "no_daemons" || code === "no_match" || code === "offline";
}
