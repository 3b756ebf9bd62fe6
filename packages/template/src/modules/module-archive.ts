import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type ArchiveLimits, DEFAULT_LIMITS } from "../archive/archive-limits.ts";
import { extractTar } from "../archive/extract-tar.ts";
import { readTarFile } from "../archive/read-tar.ts";
import { TemplateError } from "../template-error.ts";
import { MANIFEST_FILE, MODULES_DIRECTORY, parseManifest } from "./module-manifest.ts";

const MAX_BYTES = 20 * 1024 * 1024;

/** Of a template's remote modules, packed (provisioning.md §7.1). */
export const MODULE_LIMITS: ArchiveLimits = {
  ...DEFAULT_LIMITS,
  maxBytes: MAX_BYTES,
  maxUnpackedBytes: MAX_BYTES,
  maxFileBytes: MAX_BYTES,
};

/** Refuses, with a TemplateError, an archive that could not be the `.terraform/modules` of a template. */
export async function checkModuleArchive(archive: Uint8Array): Promise<void> {
  const manifest = await readTarFile(archive, MANIFEST_FILE, MODULE_LIMITS);
  if (manifest === null) {
    throw new TemplateError(
      "corrupt_archive",
      `The archive of modules holds no ${MANIFEST_FILE}. Import the template again.`,
    );
  }
  parseManifest(manifest.toString("utf8"));
}

/** Puts the modules in their place below `tree`, before an `init`: what is there, it doesn't fetch. */
export async function unpackModules(archive: Uint8Array, tree: string): Promise<void> {
  await checkModuleArchive(archive);
  const directory = join(tree, MODULES_DIRECTORY);
  await rm(directory, { recursive: true, force: true });
  await extractTar(archive, directory, MODULE_LIMITS);
}
