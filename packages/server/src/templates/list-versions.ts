import type { Db } from "../db/db.ts";
import type { TemplateVersionRow } from "../db/schema.ts";

export type VersionsPage = {
  limit?: number | undefined;
  offset?: number | undefined;
  after_id?: string | undefined;
  include_archived?: boolean | undefined;
};

/** The versions of a template, oldest first, as clients of this API expect them. */
export async function listVersions(
  db: Db,
  templateId: string,
  page: VersionsPage,
): Promise<TemplateVersionRow[]> {
  const { limit = 0, offset = 0, after_id: afterId } = page;
  return db
    .selectFrom("template_versions")
    .selectAll()
    .where("template_id", "=", templateId)
    .$if(!page.include_archived, (query) => query.where("archived", "=", false))
    .$if(afterId !== undefined, (query) =>
      query.where((eb) =>
        eb(
          eb.refTuple("created_at", "id"),
          ">",
          eb
            .selectFrom("template_versions as a")
            .select(["a.created_at", "a.id"])
            .where("a.id", "=", afterId ?? null)
            .$asTuple("created_at", "id"),
        ),
      ),
    )
    .orderBy("created_at")
    .orderBy("id")
    .$if(limit > 0, (query) => query.limit(limit))
    .$if(offset > 0, (query) => query.offset(offset))
    .execute();
}

export async function versionByName(
  db: Db,
  templateId: string,
  name: string,
): Promise<TemplateVersionRow | null> {
  const row = await db
    .selectFrom("template_versions")
    .selectAll()
    .where("template_id", "=", templateId)
    .where((eb) => eb(eb.fn("lower", ["name"]), "=", name.toLowerCase()))
    .executeTakeFirst();
  return row ?? null;
}

/** The version that was pushed before the given one. */
export async function previousVersion(
  db: Db,
  templateId: string,
  version: TemplateVersionRow,
): Promise<TemplateVersionRow | null> {
  const row = await db
    .selectFrom("template_versions")
    .selectAll()
    .where("template_id", "=", templateId)
    .where((eb) => eb(eb.refTuple("created_at", "id"), "<", eb.tuple(version.created_at, version.id)))
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}
