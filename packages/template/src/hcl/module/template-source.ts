import { posix } from "node:path";
import { type ArchiveLimits, DEFAULT_LIMITS } from "../../archive/archive-limits.ts";
import { isTerraformFile } from "../../archive/pack-directory.ts";
import { readTar, type TarSource } from "../../archive/read-tar.ts";
import { MODULE_LIMITS } from "../../modules/module-archive.ts";
import { MODULES_DIRECTORY } from "../../modules/module-manifest.ts";
import type { FileSource } from "../evaluate/context.ts";

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_TOTAL_BYTES = 16 * 1024 * 1024;

/** The files of a template's archive. Those that are too large to be read for an evaluation are known by name only. */
export type TemplateFiles = {
  contents: ReadonlyMap<string, Uint8Array>;
  unread: ReadonlySet<string>;
};

/**
 * Reads what evaluating a template may need: its Terraform code, and files that its functions read. `modules` holds what
 * `init` put into `.terraform/modules`, and takes the place of what the template has there itself.
 */
export async function readTemplateFiles(tar: TarSource, modules?: TarSource): Promise<TemplateFiles> {
  const contents = new Map<string, Uint8Array>();
  const unread = new Set<string>();
  let total = 0;

  async function read(source: TarSource, limits: ArchiveLimits, place: (path: string) => string | null) {
    await readTar(source, limits, async (entry) => {
      const path = place(entry.path);
      if (path === null || entry.type !== "file") return;
      const isCode = isTerraformFile(path) || /\.tfvars(?:\.json)?$/.test(path);
      const fits = entry.sizeBytes <= MAX_FILE_BYTES && total + entry.sizeBytes <= MAX_TOTAL_BYTES;
      if (fits || (isCode && entry.sizeBytes <= MAX_FILE_BYTES)) {
        // Of its own: a part of the archive's memory would keep all of that, and take it along to other threads.
        contents.set(path, new Uint8Array(await entry.content()));
        total += entry.sizeBytes;
      } else unread.add(path);
    });
  }

  const installed = `${MODULES_DIRECTORY}/`;
  await read(tar, DEFAULT_LIMITS, (path) =>
    modules !== undefined && path.startsWith(installed) ? null : path,
  );
  if (modules !== undefined) await read(modules, MODULE_LIMITS, (path) => installed + path);
  return { contents, unread };
}

/** For files that are at hand already, as texts by their paths. */
export function templateFilesOf(texts: ReadonlyMap<string, string>): TemplateFiles {
  return {
    contents: new Map([...texts].map(([path, text]) => [path, Buffer.from(text)])),
    unread: new Set(),
  };
}

/** The files as functions see them. */
export function fileSource({ contents, unread }: TemplateFiles): FileSource {
  return {
    directory: "",
    list: () => [...contents.keys(), ...unread],
    read: (path) => {
      const normal = posix.normalize(path);
      return contents.get(normal) ?? (unread.has(normal) ? "unread" : null);
    },
  };
}
