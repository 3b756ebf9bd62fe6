import { posix } from "node:path";
import { DEFAULT_LIMITS } from "../../archive/archive-limits.ts";
import { isTerraformFile } from "../../archive/pack-directory.ts";
import { readTar, type TarSource } from "../../archive/read-tar.ts";
import type { FileSource } from "../evaluate/context.ts";

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_TOTAL_BYTES = 16 * 1024 * 1024;

/** The files of a template's archive. Those that are too large to be read for an evaluation are known by name only. */
export type TemplateFiles = {
  contents: ReadonlyMap<string, Uint8Array>;
  unread: ReadonlySet<string>;
};

/** Reads what evaluating a template may need: its Terraform code, and files that its functions read. */
export async function readTemplateFiles(tar: TarSource): Promise<TemplateFiles> {
  const contents = new Map<string, Uint8Array>();
  const unread = new Set<string>();
  let total = 0;
  await readTar(tar, DEFAULT_LIMITS, async (entry) => {
    if (entry.type !== "file") return;
    const isCode = isTerraformFile(entry.path) || /\.tfvars(?:\.json)?$/.test(entry.path);
    const fits = entry.sizeBytes <= MAX_FILE_BYTES && total + entry.sizeBytes <= MAX_TOTAL_BYTES;
    if (fits || (isCode && entry.sizeBytes <= MAX_FILE_BYTES)) {
      contents.set(entry.path, await entry.content());
      total += entry.sizeBytes;
    } else unread.add(entry.path);
  });
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
