import { sql } from "kysely";
import type { Db } from "../db/db.ts";

/** The values that a user chose last for a template's parameters: what a form is filled in with. */
export async function autofillParameters(
  db: Db,
  userId: string,
  templateId: string,
): Promise<{ name: string; value: string }[]> {
  // `distinct on` has no form in the builder that would read better.
  const { rows } = await sql<{ name: string; value: string }>`
    select distinct on (p.name) p.name, p.value
    from workspaces w
    join workspace_builds b on b.workspace_id = w.id
    join workspace_build_parameters p on p.build_id = b.id
    join template_version_parameters d
      on d.template_version_id = b.template_version_id and d.name = p.name
    where w.owner_id = ${userId} and w.template_id = ${templateId}
      and b.transition = 'start' and not d.ephemeral
    order by p.name, b.created_at desc`.execute(db);
  return rows;
}
