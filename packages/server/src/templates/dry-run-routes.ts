import { templateVersions as versions } from "@slipway/api";
import { authorize, requireAccess, type Subject } from "../access/authorize.ts";
import { resolveBuildParameters } from "../builds/resolve-build-parameters.ts";
import { toApiResources } from "../builds/to-api-resources.ts";
import type { LiveAccess } from "../connections/live-access.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError, notFound } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { registerRoute } from "../http/register-route.ts";
import { cancelJob } from "../jobs/cancel-job.ts";
import { registerJobLogRoute } from "../jobs/job-log-route.ts";
import { jobPriority } from "../jobs/job-priority.ts";
import { dryRunJobTags } from "../jobs/job-tags.ts";
import { matchedProvisioners } from "../jobs/matched-provisioners.ts";
import { postJob } from "../jobs/post-job.ts";
import { toApiJobs } from "../jobs/to-api-jobs.ts";
import { findVersion, isStillFound, versionObject } from "./find-template.ts";
import { openParameterForm } from "./parameter-form.ts";
import { versionParameters } from "./version-parameters.ts";
import { sealVariableValues } from "./version-variables.ts";

type DryRunParams = { templateversion: string; job: string };

/** Plans of a version with somebody's values, which make nothing. */
export function registerDryRunRoutes(app: App, deps: Deps, { live }: { live: LiveAccess }): void {
  const { db } = deps;

  /** A dry run is seen by who asked for it, and by managers of the template. */
  async function findDryRun(subject: Subject, params: DryRunParams): Promise<ProvisionerJobRow> {
    const { version, template } = await findVersion(db, subject, params.templateversion);
    const job = await db
      .selectFrom("provisioner_jobs")
      .selectAll()
      .where("id", "=", params.job)
      .where("type", "=", "template_version_dry_run")
      .executeTakeFirst();
    if (job?.input.template_version_id !== version.id) throw notFound();
    const isManager = authorize(subject, "update", versionObject(version, template));
    if (!isManager && job.initiator_id !== subject.userId) throw notFound();
    return job;
  }

  registerRoute(app, versions.createDryRun, async ({ auth, params, body }) => {
    const { subject } = auth;
    const { version, template } = await findVersion(db, subject, params.templateversion);
    // Whoever may not create workspaces has no plan to make (and plans run the template's code).
    requireAccess(subject, "create", {
      type: "workspace",
      ownerId: subject.userId,
      organizationId: version.organization_id,
    });
    const importJob = await db
      .selectFrom("provisioner_jobs")
      .selectAll()
      .where("id", "=", version.job_id)
      .executeTakeFirstOrThrow();
    if (importJob.status !== "succeeded") {
      const code = importJob.completed_at ? "bad_request" : "too_early";
      throw new ApiError(
        code,
        `The import of the version ${version.name} is ${importJob.status}. A dry run needs one that succeeded.`,
      );
    }
    const form = template?.use_classic_parameter_flow
      ? null
      : await openParameterForm(deps, {
          version: {
            id: version.id,
            organizationId: version.organization_id,
            provisioner: importJob.provisioner,
            fileId: importJob.file_id,
          },
          ownerId: subject.userId,
          workspace: { name: body.workspace_name || "default", transition: "start" },
          variables: body.user_variable_values,
        });
    const { values } = await resolveBuildParameters(
      { parameters: await versionParameters(db, version.id), presets: [], form },
      { transition: "start", parameters: body.rich_parameter_values, reason: "initiator" },
      null,
    );
    const job = await db.transaction().execute((tx) =>
      postJob(tx, deps, {
        organizationId: version.organization_id,
        initiatorId: subject.userId,
        type: "template_version_dry_run",
        provisioner: importJob.provisioner,
        fileId: importJob.file_id,
        input: {
          template_version_id: version.id,
          workspace_name: body.workspace_name,
          rich_parameter_values: values,
          user_variable_values: sealVariableValues(deps.keyring, version.id, body.user_variable_values),
        },
        tags: dryRunJobTags(subject.userId, importJob.tags),
        priority: jobPriority.people,
      }),
    );
    return { status: 201, body: await toApiJob(job) };
  });

  registerRoute(app, versions.getDryRun, async ({ auth, params }) => {
    return { status: 200, body: await toApiJob(await findDryRun(auth.subject, params)) };
  });

  registerRoute(app, versions.getDryRunResources, async ({ auth, params }) => {
    const job = await findDryRun(auth.subject, params);
    if (!job.completed_at)
      throw new ApiError("too_early", `The dry run is ${job.status}. Wait until it has ended.`);
    return { status: 200, body: (await toApiResources(db, deps, [job.id])).get(job.id) ?? [] };
  });

  registerRoute(app, versions.getDryRunMatchedProvisioners, async ({ auth, params }) => {
    const job = await findDryRun(auth.subject, params);
    return { status: 200, body: await matchedProvisioners(db, deps, job.organization_id, job.tags) };
  });

  registerRoute(app, versions.cancelDryRun, async ({ auth, params }) => {
    const job = await findDryRun(auth.subject, params);
    await cancelJob(deps, job.id);
    return { status: 200, body: { message: "Job has been marked as canceled." } };
  });

  registerJobLogRoute(app, deps, versions.getDryRunLogs, async ({ auth, params }) => {
    const { id } = await findDryRun(auth.subject, params);
    const { version } = await findVersion(db, auth.subject, params.templateversion);
    const isSeenBy = (subject: Subject) => isStillFound(findDryRun(subject, params));
    return { id, ground: { live, auth, templateId: version.template_id, isSeenBy } };
  });

  async function toApiJob(row: ProvisionerJobRow) {
    const job = (await toApiJobs(db, [row])).get(row.id);
    if (!job) throw new Error(`The job ${row.id} could not be shown.`);
    return job;
  }
}
