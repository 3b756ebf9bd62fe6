import { templateVersions as versions } from "@slipway/api";
import type { Subject } from "../access/authorize.ts";
import { toApiResources } from "../builds/to-api-resources.ts";
import type { LiveAccess } from "../connections/live-access.ts";
import type { Deps } from "../deps.ts";
import type { App } from "../http/app.ts";
import { registerRoute } from "../http/register-route.ts";
import { registerJobLogRoute } from "../jobs/job-log-route.ts";
import { findImportedVersion } from "./find-imported-version.ts";
import { findVersion, isStillFound } from "./find-template.ts";
import { toApiParameter, toApiPreset, toApiVariable } from "./to-api-parameters.ts";
import { versionParameters } from "./version-parameters.ts";
import { versionPresets } from "./version-presets.ts";
import { readVersionVariables } from "./version-variables.ts";

/** What the import of a version has found out, and how it went. */
export function registerVersionContentRoutes(app: App, deps: Deps, { live }: { live: LiveAccess }): void {
  const { db } = deps;

  registerRoute(app, versions.getRichParameters, async ({ auth, params }) => {
    const { version } = await findImportedVersion(db, auth.subject, params.templateversion);
    return { status: 200, body: (await versionParameters(db, version.id)).map(toApiParameter) };
  });

  registerRoute(app, versions.getVariables, async ({ auth, params }) => {
    const { version } = await findImportedVersion(db, auth.subject, params.templateversion);
    return {
      status: 200,
      body: (await readVersionVariables(db, deps.keyring, version.id)).map(toApiVariable),
    };
  });

  registerRoute(app, versions.getPresets, async ({ auth, params }) => {
    const { version } = await findImportedVersion(db, auth.subject, params.templateversion);
    return { status: 200, body: (await versionPresets(db, version.id)).map(toApiPreset) };
  });

  registerRoute(app, versions.getVersionResources, async ({ auth, params }) => {
    const { job } = await findImportedVersion(db, auth.subject, params.templateversion);
    return { status: 200, body: (await toApiResources(db, deps, [job.id])).get(job.id) ?? [] };
  });

  // No provider of external logins can be configured yet: nobody is, or can be, signed in with one.
  registerRoute(app, versions.getVersionExternalAuth, async ({ auth, params }) => {
    const { version } = await findImportedVersion(db, auth.subject, params.templateversion);
    const body = version.external_auth.map(({ id, optional }) => ({
      id,
      type: "",
      display_name: id,
      display_icon: "",
      authenticate_url: "",
      authenticated: false,
      optional,
    }));
    return { status: 200, body };
  });

  registerRoute(app, versions.getLegacySchema, async ({ auth, params }) => {
    await findVersion(db, auth.subject, params.templateversion);
    return { status: 200, body: [] };
  });

  registerRoute(app, versions.getLegacyParameters, async ({ auth, params }) => {
    await findVersion(db, auth.subject, params.templateversion);
    return { status: 200, body: [] };
  });

  registerJobLogRoute(app, deps, versions.getVersionLogs, async ({ auth, params }) => {
    const { version } = await findVersion(db, auth.subject, params.templateversion);
    const isSeenBy = (subject: Subject) => isStillFound(findVersion(db, subject, version.id));
    return { id: version.job_id, ground: { live, auth, templateId: version.template_id, isSeenBy } };
  });
}
