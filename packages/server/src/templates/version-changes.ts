import { type RawBuilder, type SqlBool, sql } from "kysely";
import type { Tx } from "../db/db.ts";
import type { TemplateRow, TemplateVersionRow } from "../db/schema.ts";
import { ApiError, invalidField } from "../http/api-error.ts";

/** Makes a version the active one: imported, not archived, of this template (provisioning.md 8.2). */
export async function promoteVersion(
  tx: Tx,
  template: TemplateRow,
  versionId: string,
  now: Date,
): Promise<void> {
  const version = await tx
    .selectFrom("template_versions as v")
    .innerJoin("provisioner_jobs as j", "j.id", "v.job_id")
    .select(["v.name", "v.archived", "j.status"])
    .where("v.id", "=", versionId)
    .where("v.template_id", "=", template.id)
    .forShare("v")
    .executeTakeFirst();
  if (!version) throw invalidField("id", `id must be a version of the template ${template.name}.`);
  if (version.archived) {
    throw new ApiError("bad_request", `The version ${version.name} is archived. Unarchive it first.`);
  }
  if (version.status !== "succeeded") {
    throw new ApiError(
      "bad_request",
      `The import of the version ${version.name} is ${version.status}. Only imported versions can be promoted.`,
    );
  }
  await tx
    .updateTable("templates")
    .set({ active_version_id: versionId, updated_at: now })
    .where("id", "=", template.id)
    .execute();
}

/** Versions that nothing stands on: not active, and not what a workspace's last build used. */
const unused: RawBuilder<SqlBool> = sql`v.id <> t.active_version_id
  and not exists (
    select 1 from workspaces w
    cross join lateral (
      select b.template_version_id from workspace_builds b
      where b.workspace_id = w.id order by b.build_number desc limit 1
    ) latest
    where w.template_id = t.id and not w.deleted and latest.template_version_id = v.id
  )`;

export type ArchivedVersion = Pick<TemplateVersionRow, "id" | "name" | "organization_id">;

/** Archives what nothing uses: failed imports, or with `all` every version but those under import. */
export async function archiveUnusedVersions(
  tx: Tx,
  templateId: string,
  options: { all: boolean; onlyId?: string; now: Date },
): Promise<ArchivedVersion[]> {
  const statuses = options.all ? ["failed", "canceled", "succeeded"] : ["failed"];
  const only = options.onlyId ? sql`and v.id = ${options.onlyId}` : sql``;
  const { rows } = await sql<ArchivedVersion>`
    update template_versions set archived = true, updated_at = ${options.now}
    where id in (
      select v.id from template_versions v
      join templates t on t.id = v.template_id
      join provisioner_jobs j on j.id = v.job_id
      where t.id = ${templateId} and not v.archived and j.status = any(${statuses}) and ${unused} ${only}
      for update of v
    ) returning id, name, organization_id`.execute(tx);
  return rows;
}

/** Archives one version, or says why it must stay. */
export async function archiveVersion(tx: Tx, version: TemplateVersionRow, now: Date): Promise<void> {
  if (version.archived) throw new ApiError("bad_request", `The version ${version.name} is archived already.`);
  if (!version.template_id) {
    throw new ApiError(
      "bad_request",
      `The version ${version.name} belongs to no template yet and cannot be archived.`,
    );
  }
  const archived = await archiveUnusedVersions(tx, version.template_id, {
    all: true,
    onlyId: version.id,
    now,
  });
  if (archived.length > 0) return;
  throw new ApiError(
    "bad_request",
    `The version ${version.name} is in use: it is active, a workspace was built from it, or its import has not ended.`,
  );
}
