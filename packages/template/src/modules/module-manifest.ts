import { posix } from "node:path";
import { showPath } from "../archive/check-entries.ts";
import { isRecord } from "../hcl/hcl-json.ts";
import { TemplateError } from "../template-error.ts";

/** Where Terraform and OpenTofu put what `init` brought, and what they write down of it. */
export const MODULES_DIRECTORY = ".terraform/modules";
export const MANIFEST_FILE = "modules.json";

/** One call of a module: `Key` is its path of names, `Dir` where its code lies, relative to the root module. */
export type ModuleRecord = Record<string, unknown> & { Key: string; Dir: string };

/** Reads `modules.json`, sorted by key. A directory outside of the template is refused: Terraform would run its code. */
export function parseManifest(text: string): ModuleRecord[] {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw corrupt("is not JSON", cause);
  }
  if (!isRecord(manifest) || !Array.isArray(manifest.Modules)) throw corrupt("has no list of modules");
  const records = manifest.Modules.map((record: unknown): ModuleRecord => {
    if (!isRecord(record) || typeof record.Key !== "string" || typeof record.Dir !== "string") {
      throw corrupt("has a module without key or directory");
    }
    const { Key, Dir } = record;
    if (!isInside(Dir)) {
      throw new TemplateError(
        "unsafe_path",
        `The module ${showPath(Key)} lies in ${showPath(Dir)}, outside of the template. Import the template again.`,
        { path: Dir },
      );
    }
    return { ...record, Key, Dir };
  });
  return records.sort((a, b) => (a.Key < b.Key ? -1 : 1));
}

/** The directory below `.terraform/modules` that a record's code came in; null for the template's own code. */
export function installedIn({ Dir }: ModuleRecord): string | null {
  const path = posix.normalize(Dir);
  if (!path.startsWith(`${MODULES_DIRECTORY}/`)) return null;
  return path.slice(MODULES_DIRECTORY.length + 1).split("/", 1)[0] || null;
}

function isInside(dir: string): boolean {
  const path = posix.normalize(dir);
  return !/^(?:\/|[A-Za-z]:|\.\.(?:\/|$))/.test(path) && !/[\\\u0000]/.test(path);
}

function corrupt(how: string, cause?: unknown): TemplateError {
  return new TemplateError("corrupt_archive", `${MANIFEST_FILE} ${how}. Import the template again.`, {
    cause,
  });
}
