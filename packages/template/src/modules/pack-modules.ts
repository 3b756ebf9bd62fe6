import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { formatBytes } from "../archive/archive-limits.ts";
import { createEntryChecker } from "../archive/check-entries.ts";
import { type TarInput, writeTar } from "../archive/write-tar.ts";
import { TemplateError } from "../template-error.ts";
import { MODULE_LIMITS } from "./module-archive.ts";
import { installedIn, MANIFEST_FILE, MODULES_DIRECTORY, parseManifest } from "./module-manifest.ts";

/** `tar` is null when there is nothing to pack. */
export type PackedModules = { tar: Buffer | null; warnings: string[] };

type Found = { path: string; type: "file" | "directory" | "symlink"; sizeBytes: number; mode: number };
type Module = { name: string; entries: Found[]; packedBytes: number };

/** A header for each entry, and one more where its name is long. */
const HEADER_BYTES = 1536;

/**
 * Packs the remote modules that `terraform init` put below `tree`, so that other hosts need no network for them.
 * Equal modules give equal bytes. Where there is not room for all, the smallest are packed; what is left out is
 * named, and fetched again where it is needed.
 */
export async function packModules(tree: string): Promise<PackedModules> {
  const root = join(tree, MODULES_DIRECTORY);
  const manifest = await readFile(join(root, MANIFEST_FILE), "utf8").catch(absent);
  if (manifest === null) return { tar: null, warnings: [] };
  const records = parseManifest(manifest);
  const names = new Set(records.map(installedIn).filter((name) => name !== null));
  const warnings: string[] = [];
  const modules: Module[] = [];
  for (const name of names) {
    try {
      modules.push(await measure(root, name));
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      warnings.push(leftOut(name, error.message));
    }
  }
  const text = `${JSON.stringify({ Modules: records })}\n`;
  const packed: TarInput[] = [{ path: MANIFEST_FILE, type: "file", data: Buffer.from(text), mode: 0o644 }];
  let free = MODULE_LIMITS.maxBytes - 2 * HEADER_BYTES - Buffer.byteLength(text);
  let entriesLeft = MODULE_LIMITS.maxEntries - 1;
  for (const { name, entries, packedBytes } of modules.sort((a, b) => a.packedBytes - b.packedBytes)) {
    if (packedBytes > free || entries.length > entriesLeft) {
      warnings.push(leftOut(name, `There is room for ${formatBytes(MODULE_LIMITS.maxBytes)} of modules.`));
      continue;
    }
    free -= packedBytes;
    entriesLeft -= entries.length;
    for (const entry of entries) packed.push(await read(root, entry));
  }
  return { tar: packed.length === 1 ? null : await writeTar(packed), warnings };
}

/** What a module consists of, judged by the rules that it will be unpacked by. */
async function measure(root: string, name: string): Promise<Module> {
  const checker = createEntryChecker(MODULE_LIMITS);
  const entries: Found[] = [];
  let packedBytes = 0;

  async function visit(path: string): Promise<void> {
    const full = join(root, path);
    const info = await lstat(full).catch(absent);
    if (info === null) return; // Terraform fetches it again.
    const type = info.isSymbolicLink()
      ? "symlink"
      : info.isDirectory()
        ? "directory"
        : info.isFile()
          ? "file"
          : "special file";
    const sizeBytes = type === "file" ? info.size : 0;
    const linkTarget = type === "symlink" ? await readlink(full) : null;
    checker.add({ name: path, type, sizeBytes, mode: info.mode, linkTarget });
    if (type === "special file") return; // Refused above.
    packedBytes += HEADER_BYTES + Math.ceil(sizeBytes / 512) * 512;
    entries.push({ path, type, sizeBytes, mode: info.mode & 0o100 ? 0o755 : 0o644 });
    if (type !== "directory") return;
    // The history of a repository is not its code.
    for (const item of await readdir(full)) if (item !== ".git") await visit(`${path}/${item}`);
  }

  await visit(name);
  checker.finish();
  return { name, entries, packedBytes };
}

async function read(root: string, { path, type, mode }: Found): Promise<TarInput> {
  switch (type) {
    case "file":
      return { path, type, mode, data: await readFile(join(root, path)) };
    case "directory":
      return { path, type, mode: 0o755 };
    case "symlink":
      return { path, type, linkTarget: await readlink(join(root, path)) };
  }
}

const leftOut = (name: string, why: string) =>
  `The module ${JSON.stringify(name)} is not kept with the version: each host fetches it by itself. ${why}`;

function absent(error: unknown): null {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
  throw error;
}
