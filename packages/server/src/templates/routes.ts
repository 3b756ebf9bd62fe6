import { templates } from "@slipway/api";
import { sql } from "kysely";
import { requireAccess, templateObject } from "../access/authorize.ts";
import type { TemplateRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { registerRoute } from "../http/register-route.ts";
import { readSearch } from "../http/search-query.ts";
import { findOrganization } from "../organizations/find-organization.ts";
import { createTemplate } from "./create-template.ts";
import { deleteTemplate } from "./delete-template.ts";
import { listExamples } from "./examples.ts";
import { findTemplate, findTemplateByName } from "./find-template.ts";
import { listTemplates } from "./list-templates.ts";
import { templateConditions, templateSearchKeys } from "./template-search.ts";
import { toApiTemplates } from "./to-api-templates.ts";
import { updateTemplate } from "./update-template.ts";

export function registerTemplatesRoutes(app: App, deps: Deps): void {
  const { db } = deps;

  async function toApiTemplate(row: TemplateRow): Promise<templates.Template> {
    const [template] = await toApiTemplates(db, deps, [row]);
    if (!template) throw new Error(`The template ${row.id} could not be shown.`);
    return template;
  }

  registerRoute(app, templates.getExamples, async () => ({ status: 200, body: await listExamples() }));

  registerRoute(app, templates.getOrganizationExamples, async ({ auth, params }) => {
    await findOrganization(db, auth.subject, params.organization);
    return { status: 200, body: await listExamples() };
  });

  registerRoute(app, templates.getTemplates, async ({ auth, query }) => {
    const search = readSearch(query.q ?? "", templateSearchKeys);
    const conditions = templateConditions(search, { userId: auth.user.id });
    search.done();
    const rows = await listTemplates(db, auth.subject, conditions);
    return { status: 200, body: await toApiTemplates(db, deps, rows) };
  });

  registerRoute(app, templates.getOrganizationTemplates, async ({ auth, params, query }) => {
    const organization = await findOrganization(db, auth.subject, params.organization);
    const search = readSearch(query.q ?? "", templateSearchKeys);
    const conditions = templateConditions(search, { userId: auth.user.id });
    search.done();
    const rows = await listTemplates(db, auth.subject, [
      sql`t.organization_id = ${organization.id}`,
      ...conditions,
    ]);
    return { status: 200, body: await toApiTemplates(db, deps, rows) };
  });

  registerRoute(app, templates.createTemplate, async (req) => {
    const { subject } = req.auth;
    const organization = await findOrganization(db, subject, req.params.organization);
    const row = await createTemplate(deps, {
      subject,
      organizationId: organization.id,
      body: req.body,
      origin: req,
    });
    return { status: 201, body: await toApiTemplate(row) };
  });

  registerRoute(app, templates.getTemplateByName, async ({ auth, params }) => {
    const organization = await findOrganization(db, auth.subject, params.organization);
    const row = await findTemplateByName(db, auth.subject, organization.id, params.templatename);
    return { status: 200, body: await toApiTemplate(row) };
  });

  registerRoute(app, templates.getTemplate, async ({ auth, params }) => {
    return { status: 200, body: await toApiTemplate(await findTemplate(db, auth.subject, params.template)) };
  });

  registerRoute(app, templates.updateTemplate, async (req) => {
    const { subject } = req.auth;
    const template = await findTemplate(db, subject, req.params.template);
    const row = await updateTemplate(deps, { subject, template, body: req.body, origin: req });
    return { status: 200, body: await toApiTemplate(row) };
  });

  registerRoute(app, templates.deleteTemplate, async (req) => {
    const { subject } = req.auth;
    const template = await findTemplate(db, subject, req.params.template);
    requireAccess(subject, "delete", templateObject(template));
    const left = await deleteTemplate(deps, { subject, template, origin: req });
    if (left > 0) {
      throw new ApiError(
        "bad_request",
        `The template ${template.name} still has ${left} workspace${left === 1 ? "" : "s"}. Delete all workspaces of a template before the template itself.`,
      );
    }
    return { status: 200, body: { message: "Template has been deleted!" } };
  });
}
