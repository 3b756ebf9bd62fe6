import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CompleteJobRequest, Job_ModuleFilesSchema } from "@slipway/proto/provisionerd";
import { checkModuleArchive, TemplateError } from "@slipway/template";
import { sql } from "kysely";
import type { Db, Tx } from "../db/db.ts";
import { storeFile } from "../files/file-queries.ts";
import { ResourceError } from "./store-resources.ts";

/**
 * Judges the modules that a daemon sends with the end of an import: other hosts will run what is in them. Archives that
 * arrived damaged, that are too large, or whose entries or links lead out of them end the import as failed.
 */
export async function checkModuleFiles(result: CompleteJobRequest["result"]): Promise<void> {
  if (result.case !== "templateImport" || result.value.moduleFiles.byteLength === 0) return;
  const { moduleFiles, moduleFilesHash } = result.value;
  if (createHash("sha256").update(moduleFiles).digest("hex") !== moduleFilesHash) {
    throw new ResourceError("The template's modules arrived damaged. Import the template again.");
  }
  try {
    await checkModuleArchive(moduleFiles);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new ResourceError(`The template's modules are refused: ${error.message}`);
  }
}

/** Keeps them with the version; the same bytes are stored once. */
export async function storeModuleFiles(
  tx: Tx,
  version: { id: string; createdBy: string; now: Date },
  archive: Uint8Array,
): Promise<void> {
  if (archive.byteLength === 0) return;
  const { createdBy, now } = version;
  const file = await storeFile(tx, { createdBy, data: archive, now });
  await tx
    .updateTable("template_versions")
    .set({ modules_file_id: file.id })
    .where("id", "=", version.id)
    .execute();
}

/** What a daemon is told of them; nothing when its version has none, or its template turned them off. */
export async function moduleFilesOf(
  db: Db,
  versionId: string,
): Promise<MessageInitShape<typeof Job_ModuleFilesSchema> | undefined> {
  const file = await db
    .selectFrom("template_versions as version")
    .innerJoin("files as file", "file.id", "version.modules_file_id")
    .leftJoin("templates as template", "template.id", "version.template_id")
    .select((eb) => ["file.id", "file.hash", eb.fn<number>("octet_length", ["file.data"]).as("size_bytes")])
    .where("version.id", "=", versionId)
    .where(sql<boolean>`template.disable_module_cache is not true`)
    .executeTakeFirst();
  return file && { fileId: file.id, hash: file.hash, sizeBytes: BigInt(file.size_bytes) };
}
