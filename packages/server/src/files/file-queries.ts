import { createHash, randomUUID } from "node:crypto";
import { authorize, type Subject } from "../access/authorize.ts";
import type { Db, Tx } from "../db/db.ts";
import type { FileRow } from "../db/schema.ts";

/** Stores an archive, or finds the same bytes of the same user again. */
export async function storeFile(
  db: Db | Tx,
  file: { createdBy: string; data: Uint8Array; now: Date },
): Promise<{ id: string; isNew: boolean }> {
  const hash = createHash("sha256").update(file.data).digest("hex");
  const id = randomUUID();
  const inserted = await db
    .insertInto("files")
    .values({
      id,
      hash,
      created_by: file.createdBy,
      mimetype: "application/x-tar",
      data: file.data,
      created_at: file.now,
    })
    .onConflict((conflict) => conflict.columns(["created_by", "hash"]).doNothing())
    .returning("id")
    .executeTakeFirst();
  if (inserted) return { id, isNew: true };
  const same = await db
    .selectFrom("files")
    .select("id")
    .where("created_by", "=", file.createdBy)
    .where("hash", "=", hash)
    .executeTakeFirstOrThrow();
  return { id: same.id, isNew: false };
}

/**
 * An archive that the caller may read: their own, or one that a template of an organization was made from in
 * which they may read files. The id alone opens nothing (access.md 11, CVE-2026-111929).
 */
export async function readableFile(db: Db | Tx, subject: Subject, id: string): Promise<FileRow | null> {
  const meta = await db.selectFrom("files").select("created_by").where("id", "=", id).executeTakeFirst();
  if (!meta) return null;
  const isOwn = authorize(subject, "read", { type: "file", id, ownerId: meta.created_by });
  if (!isOwn && !(await isReadableInOrganization(db, subject, id))) return null;
  return (await db.selectFrom("files").selectAll().where("id", "=", id).executeTakeFirst()) ?? null;
}

async function isReadableInOrganization(db: Db | Tx, subject: Subject, id: string): Promise<boolean> {
  const uses = await db
    .selectFrom("provisioner_jobs")
    .select("organization_id")
    .distinct()
    .where("file_id", "=", id)
    .execute();
  return uses.some(({ organization_id: organizationId }) =>
    authorize(subject, "read", { type: "file", id, organizationId }),
  );
}
