import { Counter, type Registry } from "prom-client";
import type { Deps } from "../deps.ts";

const name = "coderd_workspace_builds_total";
const labelNames = [
  "workspace_owner",
  "workspace_name",
  "template_name",
  "template_version",
  "workspace_transition",
  "status",
] as const;

/**
 * Counts a build that has ended, if the job was one, under Coder's name and labels. Beside the answer to the daemon and
 * only where somebody asks for metrics: nobody waits for it.
 */
export function countBuild(deps: Pick<Deps, "db" | "log" | "config" | "metrics">, jobId: string): void {
  if (!deps.config.prometheusEnable) return;
  count(deps, jobId).catch((err: unknown) => deps.log.debug({ err, jobId }, "a build was not counted"));
}

async function count({ db, metrics }: Pick<Deps, "db" | "metrics">, jobId: string): Promise<void> {
  const build = await db
    .selectFrom("provisioner_jobs as job")
    .innerJoin("workspace_builds as build", "build.job_id", "job.id")
    .innerJoin("workspaces as workspace", "workspace.id", "build.workspace_id")
    .innerJoin("users as owner", "owner.id", "workspace.owner_id")
    .innerJoin("templates as template", "template.id", "workspace.template_id")
    .innerJoin("template_versions as version", "version.id", "build.template_version_id")
    .select([
      "owner.username as workspace_owner",
      "workspace.name as workspace_name",
      "template.name as template_name",
      "version.name as template_version",
      "build.transition as transition",
      "job.status as job_status",
    ])
    .where("job.id", "=", jobId)
    .where("job.completed_at", "is not", null)
    .executeTakeFirst();
  if (!build) return;
  const { transition, job_status, ...labels } = build;
  buildsTotal(metrics).inc({
    ...labels,
    workspace_transition: transition.toUpperCase(),
    status: job_status === "succeeded" ? "success" : "failed",
  });
}

function buildsTotal(registry: Registry): Counter<(typeof labelNames)[number]> {
  const known = registry.getSingleMetric(name);
  if (known instanceof Counter) return known;
  return new Counter({
    name,
    help: "The number of workspaces started, updated, or deleted.",
    labelNames,
    registers: [registry],
  });
}
