import { builds, workspaces } from "@slipway/api";
import {
  authorize,
  requireAccess,
  type Subject,
  templateObject,
  workspaceObject,
} from "../access/authorize.ts";
import type { LiveAccess } from "../connections/live-access.ts";
import type { QueuedStart } from "../db/schema/columns.ts";
import type { TemplateRow, WorkspaceBuildRow, WorkspaceRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError, invalidField, notFound } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { registerRoute } from "../http/register-route.ts";
import { cancelJob } from "../jobs/cancel-job.ts";
import { registerJobLogRoute } from "../jobs/job-log-route.ts";
import { readKeptState } from "../jobs/kept-states.ts";
import { matchedProvisioners } from "../jobs/matched-provisioners.ts";
import { findUser } from "../users/find-user.ts";
import { findWorkspace, findWorkspaceByName } from "../workspaces/find-workspace.ts";
import { parseState, readBuildState, writeBuildState } from "./build-state.ts";
import { buildTimings } from "./build-timings.ts";
import { createBuild } from "./create-build.ts";
import { listBuilds } from "./list-builds.ts";
import { buildParameters } from "./previous-build.ts";
import { toApiBuilds } from "./to-api-builds.ts";
import { toApiResources } from "./to-api-resources.ts";

// A state file is sent inside JSON; Terraform's own services stop at sizes like this one.
const stateBodyLimitBytes = 64 * 1024 * 1024;

type FoundBuild = { build: WorkspaceBuildRow; workspace: WorkspaceRow };

export function registerBuildsRoutes(app: App, deps: Deps, { live }: { live: LiveAccess }): void {
  const { db } = deps;

  async function findBuild(subject: Subject, id: string): Promise<FoundBuild> {
    const build = await db.selectFrom("workspace_builds").selectAll().where("id", "=", id).executeTakeFirst();
    if (!build) throw notFound();
    // Builds of a deleted workspace stay readable: its logs may be what somebody looks for.
    return {
      build,
      workspace: await findWorkspace(db, subject, build.workspace_id, { includeDeleted: true }),
    };
  }

  /** The start comes later and by itself: its rights are judged now. */
  function requireQueueable(subject: Subject, workspace: WorkspaceRow, queued: QueuedStart): void {
    requireAccess(subject, "start", workspaceObject(workspace));
    const { template_version_id, template_version_preset_id, rich_parameter_values } = queued;
    if (!template_version_id && !template_version_preset_id && rich_parameter_values.length === 0) return;
    requireAccess(subject, "update", workspaceObject(workspace));
  }

  function templateOf(workspace: WorkspaceRow): Promise<TemplateRow> {
    return db
      .selectFrom("templates")
      .selectAll()
      .where("id", "=", workspace.template_id)
      .executeTakeFirstOrThrow();
  }

  async function toApiBuild(row: WorkspaceBuildRow): Promise<builds.WorkspaceBuild> {
    const [build] = await toApiBuilds(db, deps, [row]);
    if (!build) throw new Error(`The build ${row.id} could not be shown.`);
    const { organization_id, tags } = build.job;
    return { ...build, matched_provisioners: await matchedProvisioners(db, deps, organization_id, tags) };
  }

  registerRoute(app, workspaces.getWorkspaceBuilds, async ({ auth, params, query }) => {
    const workspace = await findWorkspace(db, auth.subject, params.workspace, { includeDeleted: true });
    return { status: 200, body: await toApiBuilds(db, deps, await listBuilds(db, workspace.id, query)) };
  });

  registerRoute(
    app,
    workspaces.createWorkspaceBuild,
    async (req) => {
      const { subject } = req.auth;
      const { body } = req;
      const workspace = await findWorkspace(db, subject, req.params.workspace, { includeDeleted: true });
      if (body.dry_run) {
        throw invalidField(
          "dry_run",
          "dry_run is not possible for builds. Use POST /templateversions/{id}/dry-run.",
        );
      }
      if (body.on_success && body.transition !== "stop") {
        throw invalidField("on_success", "on_success goes with the transition stop only.");
      }
      if (body.on_success) requireQueueable(subject, workspace, body.on_success);
      const build = await createBuild(
        deps,
        {
          workspace,
          template: await templateOf(workspace),
          subject,
          initiatorId: subject.userId,
          request: {
            transition: body.transition,
            versionId: body.template_version_id,
            presetId: body.template_version_preset_id,
            parameters: body.rich_parameter_values,
            reason: body.transition === "delete" ? "initiator" : (body.reason ?? "initiator"),
            state: body.state === undefined ? undefined : Buffer.from(body.state, "base64"),
            orphan: body.orphan,
            logLevel: body.log_level,
          },
        },
        { origin: req, onSuccess: body.on_success },
      );
      return { status: 201, body: await toApiBuild(build) };
    },
    { bodyLimitBytes: stateBodyLimitBytes },
  );

  registerRoute(app, workspaces.getBuildByNumber, async ({ auth, params }) => {
    const owner = await findUser(db, auth, params.user);
    const workspace = await findWorkspaceByName(db, auth.subject, owner.id, params.workspacename);
    const build = await db
      .selectFrom("workspace_builds")
      .selectAll()
      .where("workspace_id", "=", workspace.id)
      .where("build_number", "=", Number(params.buildnumber))
      .executeTakeFirst();
    if (!build) throw notFound();
    return { status: 200, body: await toApiBuild(build) };
  });

  registerRoute(app, workspaces.getWorkspaceTimings, async ({ auth, params }) => {
    const workspace = await findWorkspace(db, auth.subject, params.workspace);
    const [latest] = await listBuilds(db, workspace.id, { limit: 1 });
    if (!latest) throw notFound();
    return { status: 200, body: await buildTimings(db, latest) };
  });

  registerRoute(app, builds.getBuild, async ({ auth, params }) => {
    const { build } = await findBuild(auth.subject, params.workspacebuild);
    return { status: 200, body: await toApiBuild(build) };
  });

  registerRoute(app, builds.cancelBuild, async ({ auth, params, query }) => {
    const { build, workspace } = await findBuild(auth.subject, params.workspacebuild);
    // Whoever may begin this kind of build may also take it back; waking a dormant workspace is an update.
    requireAccess(
      auth.subject,
      workspace.dormant_at ? "update" : build.transition,
      workspaceObject(workspace),
    );
    const expectStatus = query.expect_status;
    // A build that has not begun leaves nothing behind: cancelling it needs no further right.
    if (expectStatus !== "pending") await requireCancelable(auth.subject, workspace);
    await cancelJob(deps, build.job_id, expectStatus ? { expectStatus } : {});
    return { status: 200, body: { message: "Job has been marked as canceled..." } };
  });

  async function requireCancelable(subject: Subject, workspace: WorkspaceRow): Promise<void> {
    const template = await templateOf(workspace);
    if (template.allow_user_cancel_workspace_jobs) return;
    if (subject.siteRoles.includes("owner") || authorize(subject, "update", templateObject(template))) return;
    throw new ApiError(
      "forbidden",
      `The template ${template.name} does not allow users to cancel running builds. Ask one of its managers.`,
    );
  }

  registerJobLogRoute(app, deps, builds.getBuildLogs, async ({ auth, params }) => {
    const { build, workspace } = await findBuild(auth.subject, params.workspacebuild);
    return { id: build.job_id, ground: { live, auth, workspaceId: workspace.id } };
  });

  registerRoute(app, builds.getBuildParameters, async ({ auth, params }) => {
    const { build } = await findBuild(auth.subject, params.workspacebuild);
    return { status: 200, body: await buildParameters(db, build.id) };
  });

  registerRoute(app, builds.getBuildResources, async ({ auth, params }) => {
    const { build } = await findBuild(auth.subject, params.workspacebuild);
    return { status: 200, body: (await toApiResources(db, deps, [build.job_id])).get(build.job_id) ?? [] };
  });

  registerRoute(app, builds.getBuildTimings, async ({ auth, params }) => {
    const { build } = await findBuild(auth.subject, params.workspacebuild);
    return { status: 200, body: await buildTimings(db, build) };
  });

  registerRoute(app, builds.getBuildState, async ({ auth, params }) => {
    const { build, workspace } = await findBuild(auth.subject, params.workspacebuild);
    // State holds the secrets of the template's providers: it is for managers of the template.
    requireAccess(auth.subject, "update", templateObject(await templateOf(workspace)));
    const state = await readBuildState(db, deps.keyring, build.id);
    return {
      status: 200,
      headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
      body: state?.state ?? Buffer.alloc(0),
    };
  });

  registerRoute(app, builds.getKeptBuildState, async ({ auth, params }) => {
    const { build, workspace } = await findBuild(auth.subject, params.workspacebuild);
    requireAccess(auth.subject, "update", templateObject(await templateOf(workspace)));
    const state = await readKeptState(db, deps.keyring, build.id);
    if (state === null) throw new ApiError("not_found", "No state of this build came too late.");
    return {
      status: 200,
      headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
      body: state,
    };
  });

  registerRoute(
    app,
    builds.updateBuildState,
    async (req) => {
      const { build, workspace } = await findBuild(req.auth.subject, req.params.workspacebuild);
      requireAccess(req.auth.subject, "update", templateObject(await templateOf(workspace)));
      const state = parseState(Buffer.from(req.body.state, "base64"));
      if (!state)
        throw invalidField("state", "state must be a Terraform state file: a JSON object, base64 encoded.");
      if (!build.finished_at) {
        throw new ApiError(
          "conflict",
          "The build is still active and writes its own state. Wait until it has ended.",
        );
      }
      await db.transaction().execute(async (tx) => {
        await writeBuildState(tx, deps.keyring, build.id, state, deps.clock.now());
        await deps.audit.record(tx, {
          action: "write",
          resourceType: "workspace_build",
          resourceId: build.id,
          resourceTarget: workspace.name,
          organizationId: workspace.organization_id,
          statusCode: 204,
          userId: req.auth.user.id,
          request: req,
          diff: { state: { secret: true } },
        });
      });
      return { status: 204 };
    },
    { bodyLimitBytes: stateBodyLimitBytes },
  );
}
