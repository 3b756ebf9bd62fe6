import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import type { WorkspaceBuildRow } from "../db/schema.ts";

export type BuildsPage = {
  limit?: number | undefined;
  offset?: number | undefined;
  after_id?: string | undefined;
  since?: string | undefined;
};

/** The builds of a workspace, newest first; with `since` those that were created after it. */
export async function listBuilds(
  db: Db,
  workspaceId: string,
  page: BuildsPage,
): Promise<WorkspaceBuildRow[]> {
  const { limit = 0, offset = 0, after_id: afterId, since } = page;
  return db
    .selectFrom("workspace_builds")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .$if(since !== undefined, (query) => query.where("created_at", ">", new Date(since ?? 0)))
    .$if(afterId !== undefined, (query) =>
      query.where(
        "build_number",
        "<",
        sql<number>`(select build_number from workspace_builds where id = ${afterId})`,
      ),
    )
    .orderBy("build_number", "desc")
    .$if(limit > 0, (query) => query.limit(limit))
    .$if(offset > 0, (query) => query.offset(offset))
    .execute();
}
