import { chmod, mkdir, open, readdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { TemplateError } from "../template-error.ts";
import { type ArchiveLimits, DEFAULT_LIMITS } from "./archive-limits.ts";
import type { ArchiveEntry } from "./check-entries.ts";
import { collectBytes } from "./collect-bytes.ts";
import { checkTar, readTar, type TarSource } from "./read-tar.ts";

/**
 * Unpacks a template into `dir`, which is made with mode 0700 or must be empty. Everything is checked before
 * anything is written, and a failure on the way leaves `dir` empty again: never a part of a template.
 */
export async function extractTar(
  source: TarSource,
  dir: string,
  limits: ArchiveLimits = DEFAULT_LIMITS,
): Promise<void> {
  const archive = source instanceof Uint8Array ? source : await collectBytes(source, limits.maxBytes);
  await checkTar(archive, limits);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if ((await readdir(dir)).length > 0) {
    throw new TemplateError(
      "directory_not_empty",
      `${dir} is not empty. Unpack a template into a new directory.`,
    );
  }
  try {
    await writeEntries(archive, dir, limits);
  } catch (error) {
    for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true, force: true });
    throw error;
  }
}

async function writeEntries(archive: Uint8Array, dir: string, limits: ArchiveLimits): Promise<void> {
  const links: ArchiveEntry[] = [];
  const directories = new Map<string, number>();
  await readTar(archive, limits, async (entry) => {
    const target = join(dir, entry.path);
    if (entry.type === "symlink") {
      links.push(entry);
    } else if (entry.type === "directory") {
      await mkdir(target, { recursive: true, mode: 0o700 });
      directories.set(target, entry.mode);
    } else {
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      const file = await open(target, "w", 0o600);
      try {
        await file.writeFile(await entry.content());
        await file.chmod((entry.mode & 0o755) | 0o600);
      } finally {
        await file.close();
      }
    }
  });
  // Links come last, so that nothing is ever written through one.
  for (const link of links) {
    const target = join(dir, link.path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await rm(target, { force: true });
    await symlink(link.linkTarget ?? "", target);
  }
  for (const [directory, mode] of directories) await chmod(directory, (mode & 0o755) | 0o700);
}
