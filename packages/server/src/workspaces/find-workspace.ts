import { requireAccess, type Subject, workspaceObject } from "../access/authorize.ts";
import type { Db, Tx } from "../db/db.ts";
import type { WorkspaceRow } from "../db/schema.ts";
import { ApiError, notFound } from "../http/api-error.ts";

export type FindOptions = { includeDeleted?: boolean | undefined };

/** The workspace with this id, if the caller may see it. A deleted one answers 410, unless asked for. */
export async function findWorkspace(
  db: Db | Tx,
  subject: Subject,
  id: string,
  options: FindOptions = {},
): Promise<WorkspaceRow> {
  const row = await db.selectFrom("workspaces").selectAll().where("id", "=", id).executeTakeFirst();
  return requireVisible(subject, row, options);
}

/** The workspace of an owner by name; of several deleted ones of that name the newest. */
export async function findWorkspaceByName(
  db: Db | Tx,
  subject: Subject,
  ownerId: string,
  name: string,
  { includeDeleted = false }: FindOptions = {},
): Promise<WorkspaceRow> {
  const row = await db
    .selectFrom("workspaces")
    .selectAll()
    .where("owner_id", "=", ownerId)
    .where((eb) => eb(eb.fn("lower", ["name"]), "=", name.toLowerCase()))
    .$if(!includeDeleted, (query) => query.where("deleted", "=", false))
    .orderBy("deleted")
    .orderBy("created_at", "desc")
    .limit(1)
    .executeTakeFirst();
  return requireVisible(subject, row, { includeDeleted: true });
}

function requireVisible(subject: Subject, row: WorkspaceRow | undefined, options: FindOptions): WorkspaceRow {
  if (!row) throw notFound();
  requireAccess(subject, "read", workspaceObject(row));
  if (row.deleted && !options.includeDeleted) {
    throw new ApiError("gone", `The workspace ${row.name} is deleted.`, {
      detail: "Add include_deleted=true to see what is left of it.",
    });
  }
  return row;
}
