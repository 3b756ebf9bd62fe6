import { type RawBuilder, type SqlBool, sql } from "kysely";
import { accessFilter } from "../access/access-filter.ts";
import type { Subject } from "../access/authorize.ts";
import type { Db } from "../db/db.ts";
import type { TemplateRow } from "../db/schema.ts";

/** The templates that the caller may see and the conditions pick, by name. */
export async function listTemplates(
  db: Db,
  subject: Subject,
  conditions: readonly RawBuilder<SqlBool>[],
): Promise<TemplateRow[]> {
  return db
    .selectFrom("templates as t")
    .selectAll("t")
    .where(accessFilter(subject, "read", "template", "t"))
    .$call((query) => conditions.reduce((narrowed, condition) => narrowed.where(condition), query))
    .orderBy(sql`lower(t.name)`)
    .orderBy("t.id")
    .execute();
}
