import { type RawBuilder, type SqlBool, sql } from "kysely";
import type { SearchReader } from "../http/search-query.ts";
import { escapeLike, organizationsNamed } from "../workspaces/workspace-search.ts";

/** The keys of `GET /templates?q=` (rest-api.md 3). */
export const templateSearchKeys = [
  "name",
  "display_name",
  "exact_name",
  "exact_display_name",
  "ids",
  "organization",
  "deprecated",
  "deleted",
  "author",
  "author_id",
  "has_external_agent",
  "has-ai-task",
] as const;

/** Turns a search into SQL conditions over `t` (templates). Deleted and deprecated ones are shown on request only. */
export function templateConditions(search: SearchReader, context: { userId: string }): RawBuilder<SqlBool>[] {
  const where: RawBuilder<SqlBool>[] = [];
  const add = (condition: RawBuilder<SqlBool>) => void where.push(condition);
  const displayName = search.text("display_name") ?? (search.freeText === "" ? undefined : search.freeText);
  if (displayName !== undefined) add(sql`${shownName} like ${contains(displayName)}`);
  const name = search.text("name");
  if (name !== undefined) add(sql`lower(t.name) like ${contains(name)}`);
  const exactName = search.text("exact_name");
  if (exactName !== undefined) add(sql`lower(t.name) = ${exactName}`);
  const exactDisplayName = search.text("exact_display_name");
  if (exactDisplayName !== undefined) add(sql`lower(t.display_name) = ${exactDisplayName}`);
  const ids = search.uuids("ids");
  if (ids.length > 0) add(sql`t.id = any(${ids}::uuid[])`);
  const organization = search.text("organization");
  if (organization !== undefined) {
    add(sql`t.organization_id in (${organizationsNamed(organization)})`);
  }
  add(sql`(t.deprecated <> '') = ${search.bool("deprecated") ?? false}`);
  add(sql`t.deleted = ${search.bool("deleted") ?? false}`);
  const author = search.text("author");
  if (author === "me") add(sql`t.created_by = ${context.userId}`);
  else if (author !== undefined) {
    add(sql`t.created_by in (select id from users where not deleted and lower(username) = ${author})`);
  }
  const authorId = search.uuid("author_id");
  if (authorId !== undefined) add(sql`t.created_by = ${authorId}`);
  const external = search.bool("has_external_agent");
  if (external !== undefined) {
    add(sql`(select has_external_agent from template_versions where id = t.active_version_id) = ${external}`);
  }
  // Tasks are not part of this product: no template has one.
  if (search.bool("has-ai-task") === true) add(sql`false`);
  return where;
}

/** What people see of a template: its display name, else its name. */
const shownName = sql`lower(case when t.display_name <> '' then t.display_name else t.name end)`;

function contains(text: string): string {
  return `%${escapeLike(text)}%`;
}
