import { authorize, requireAccess, type Subject, templateObject } from "../access/authorize.ts";
import type { Db, Tx } from "../db/db.ts";
import type { TemplateRow, TemplateVersionRow } from "../db/schema.ts";
import { ApiError, notFound } from "../http/api-error.ts";

/** The template with this id, if the caller may see it. */
export async function findTemplate(db: Db | Tx, subject: Subject, id: string): Promise<TemplateRow> {
  const row = await db
    .selectFrom("templates")
    .selectAll()
    .where("id", "=", id)
    .where("deleted", "=", false)
    .executeTakeFirst();
  if (!row) throw notFound();
  requireAccess(subject, "read", templateObject(row));
  return row;
}

export async function findTemplateByName(
  db: Db | Tx,
  subject: Subject,
  organizationId: string,
  name: string,
): Promise<TemplateRow> {
  const row = await db
    .selectFrom("templates")
    .selectAll()
    .where("organization_id", "=", organizationId)
    .where((eb) => eb(eb.fn("lower", ["name"]), "=", name.toLowerCase()))
    .where("deleted", "=", false)
    .executeTakeFirst();
  if (!row) throw notFound();
  requireAccess(subject, "read", templateObject(row));
  return row;
}

export type VersionWithTemplate = { version: TemplateVersionRow; template: TemplateRow | null };

/**
 * The version with this id, if the caller may see its template. One without a template is seen by those who see
 * all templates of its organization.
 */
export async function findVersion(db: Db | Tx, subject: Subject, id: string): Promise<VersionWithTemplate> {
  const version = await db
    .selectFrom("template_versions")
    .selectAll()
    .where("id", "=", id)
    .executeTakeFirst();
  if (!version) throw notFound();
  const template = version.template_id
    ? ((await db
        .selectFrom("templates")
        .selectAll()
        .where("id", "=", version.template_id)
        .executeTakeFirst()) ?? null)
    : null;
  if (!authorize(subject, "read", versionObject(version, template)) || template?.deleted) throw notFound();
  return { version, template };
}

/** Whether a look that found something is still allowed to. What cannot be found out is thrown on. */
export async function isStillFound(look: Promise<unknown>): Promise<boolean> {
  try {
    await look;
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.code === "not_found" || error.code === "bad_request"))
      return false;
    throw error;
  }
}

/** A version as an object of decisions: its template, or any template of its organization. */
export function versionObject(version: TemplateVersionRow, template: TemplateRow | null) {
  return template
    ? templateObject(template)
    : { type: "template" as const, organizationId: version.organization_id };
}
