import { templateVersions as versions } from "@slipway/api";
import { type Action, requireAccess, type Subject, templateObject } from "../access/authorize.ts";
import type { AuditEntry } from "../audit/audit.ts";
import type { Tx } from "../db/db.ts";
import type { Deps } from "../deps.ts";
import { ApiError, notFound } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import type { Auth } from "../http/auth.ts";
import { registerRoute } from "../http/register-route.ts";
import { cancelJob } from "../jobs/cancel-job.ts";
import { findOrganization } from "../organizations/find-organization.ts";
import { createVersion } from "./create-version.ts";
import {
  findTemplate,
  findTemplateByName,
  findVersion,
  type VersionWithTemplate,
  versionObject,
} from "./find-template.ts";
import { listVersions, previousVersion, versionByName } from "./list-versions.ts";
import { toApiVersion, toApiVersions } from "./to-api-versions.ts";
import { updateVersion } from "./update-version.ts";
import {
  type ArchivedVersion,
  archiveUnusedVersions,
  archiveVersion,
  promoteVersion,
} from "./version-changes.ts";

type AuditedRequest = NonNullable<AuditEntry["request"]> & { auth: Auth };

/** Versions of templates: making, finding, naming, promoting and archiving them. */
export function registerVersionRoutes(app: App, deps: Deps): void {
  const { db } = deps;

  async function findFor(subject: Subject, action: Action, id: string): Promise<VersionWithTemplate> {
    const found = await findVersion(db, subject, id);
    requireAccess(subject, action, versionObject(found.version, found.template));
    return found;
  }

  async function findNamed(
    subject: Subject,
    params: { organization: string; templatename: string; templateversionname: string },
  ) {
    const organization = await findOrganization(db, subject, params.organization);
    const template = await findTemplateByName(db, subject, organization.id, params.templatename);
    const version = await versionByName(db, template.id, params.templateversionname);
    if (!version) throw notFound();
    return { template, version };
  }

  registerRoute(
    app,
    versions.createTemplateVersion,
    async (req) => {
      const { subject } = req.auth;
      const organization = await findOrganization(db, subject, req.params.organization);
      const version = await createVersion(deps, {
        subject,
        organizationId: organization.id,
        body: req.body,
        origin: req,
      });
      return { status: 201, body: await toApiVersion(db, deps, version) };
    },
    { bodyLimitBytes: 4 * 1024 * 1024 },
  );

  registerRoute(app, versions.getTemplateVersions, async ({ auth, params, query }) => {
    const template = await findTemplate(db, auth.subject, params.template);
    return { status: 200, body: await toApiVersions(db, await listVersions(db, template.id, query)) };
  });

  registerRoute(app, versions.updateActiveTemplateVersion, async (req) => {
    const { subject } = req.auth;
    const template = await findTemplate(db, subject, req.params.template);
    requireAccess(subject, "update", templateObject(template));
    await db.transaction().execute(async (tx) => {
      await promoteVersion(tx, template, req.body.id, deps.clock.now());
      await deps.audit.record(tx, {
        action: "write",
        resourceType: "template",
        resourceId: template.id,
        resourceTarget: template.name,
        resourceIcon: template.icon,
        organizationId: template.organization_id,
        statusCode: 200,
        userId: subject.userId,
        request: req,
        diff: { active_version_id: { old: template.active_version_id, new: req.body.id, secret: false } },
      });
      await deps.events.publish(tx, "template", template.id);
    });
    return { status: 200, body: { message: "Updated the active template version!" } };
  });

  /** Writes down that a version went into the archive, or came out of it. */
  function auditArchived(
    tx: Tx,
    req: AuditedRequest,
    version: ArchivedVersion,
    archived: boolean,
  ): Promise<void> {
    return deps.audit.record(tx, {
      action: "write",
      resourceType: "template_version",
      resourceId: version.id,
      resourceTarget: version.name,
      organizationId: version.organization_id,
      statusCode: 200,
      userId: req.auth.user.id,
      request: req,
      diff: { archived: { old: !archived, new: archived, secret: false } },
    });
  }

  registerRoute(app, versions.archiveTemplateVersions, async (req) => {
    const { auth, params, body } = req;
    const template = await findTemplate(db, auth.subject, params.template);
    requireAccess(auth.subject, "update", templateObject(template));
    const now = deps.clock.now();
    const archived = await db.transaction().execute(async (tx) => {
      const rows = await archiveUnusedVersions(tx, template.id, { all: body.all, now });
      for (const version of rows) await auditArchived(tx, req, version, true);
      return rows;
    });
    return { status: 200, body: { template_id: template.id, archived_ids: archived.map(({ id }) => id) } };
  });

  registerRoute(app, versions.getTemplateVersionByName, async ({ auth, params }) => {
    const template = await findTemplate(db, auth.subject, params.template);
    const version = await versionByName(db, template.id, params.templateversionname);
    if (!version) throw notFound();
    return { status: 200, body: await toApiVersion(db, deps, version) };
  });

  registerRoute(app, versions.getOrganizationTemplateVersionByName, async ({ auth, params }) => {
    const { version } = await findNamed(auth.subject, params);
    return { status: 200, body: await toApiVersion(db, deps, version) };
  });

  registerRoute(app, versions.getPreviousTemplateVersion, async ({ auth, params }) => {
    const { template, version } = await findNamed(auth.subject, params);
    const previous = await previousVersion(db, template.id, version);
    if (!previous) return { status: 204 };
    return { status: 200, body: await toApiVersion(db, deps, previous) };
  });

  registerRoute(app, versions.getTemplateVersion, async ({ auth, params }) => {
    const { version } = await findVersion(db, auth.subject, params.templateversion);
    return { status: 200, body: await toApiVersion(db, deps, version) };
  });

  registerRoute(app, versions.updateTemplateVersion, async (req) => {
    const { subject } = req.auth;
    const { version } = await findFor(subject, "update", req.params.templateversion);
    const row = await updateVersion(deps, { subject, version, body: req.body, origin: req });
    return { status: 200, body: await toApiVersion(db, deps, row) };
  });

  registerRoute(app, versions.cancelTemplateVersion, async ({ auth, params }) => {
    const { version } = await findFor(auth.subject, "update", params.templateversion);
    await cancelJob(deps, version.job_id);
    return { status: 200, body: { message: "Job has been marked as canceled..." } };
  });

  registerRoute(app, versions.archiveTemplateVersion, async (req) => {
    const { version } = await findFor(req.auth.subject, "update", req.params.templateversion);
    await db.transaction().execute(async (tx) => {
      await archiveVersion(tx, version, deps.clock.now());
      await auditArchived(tx, req, version, true);
    });
    return { status: 200, body: { message: `The version ${version.name} is archived.` } };
  });

  registerRoute(app, versions.unarchiveTemplateVersion, async (req) => {
    const { version } = await findFor(req.auth.subject, "update", req.params.templateversion);
    if (!version.archived) throw new ApiError("bad_request", `The version ${version.name} is not archived.`);
    await db.transaction().execute(async (tx) => {
      await tx
        .updateTable("template_versions")
        .set({ archived: false, updated_at: deps.clock.now() })
        .where("id", "=", version.id)
        .execute();
      await auditArchived(tx, req, version, false);
    });
    return { status: 200, body: { message: `The version ${version.name} is out of the archive.` } };
  });
}
