import type { Db, Tx } from "../db/db.ts";
import type { ProvisionerJobRow, WorkspaceBuildRow } from "../db/schema.ts";

/** The newest build of a workspace, with how far it is and the values it was made with. */
export type PreviousBuild = WorkspaceBuildRow & {
  jobStatus: ProvisionerJobRow["status"];
  parameters: ReadonlyMap<string, string>;
};

export async function previousBuild(db: Db | Tx, workspaceId: string): Promise<PreviousBuild | null> {
  const row = await db
    .selectFrom("workspace_builds as b")
    .innerJoin("provisioner_jobs as j", "j.id", "b.job_id")
    .selectAll("b")
    .select("j.status as jobStatus")
    .where("b.workspace_id", "=", workspaceId)
    .orderBy("b.build_number", "desc")
    .limit(1)
    .executeTakeFirst();
  if (!row) return null;
  return {
    ...row,
    parameters: new Map((await buildParameters(db, row.id)).map(({ name, value }) => [name, value])),
  };
}

/** The parameter values with which a build was made, by name. */
export async function buildParameters(
  db: Db | Tx,
  buildId: string,
): Promise<{ name: string; value: string }[]> {
  return db
    .selectFrom("workspace_build_parameters")
    .select(["name", "value"])
    .where("build_id", "=", buildId)
    .orderBy("name")
    .execute();
}
