import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BinaryFile, describeBinary, markUsed } from "./binary-file.ts";

/** Beside each file of the cache: empty files that carry the stamps of the sources which it was made of. */
const stampsName = "stamps";

/** The file of that name that was made of sources with this stamp, or null. */
export async function binaryMadeBefore(
  cacheDir: string,
  name: string,
  stamp: string,
): Promise<BinaryFile | null> {
  for (const digest of await readdir(join(cacheDir, name)).catch(() => [])) {
    const dir = join(cacheDir, name, digest);
    if (!existsSync(join(dir, stampsName, stamp))) continue;
    // What is in use is not removed; another server may do so right now with what is not.
    return markUsed(dir)
      .then(() => describeBinary(join(dir, name)))
      .catch(() => null);
  }
  return null;
}

/** Notes that sources with this stamp make this file. */
export async function rememberStamp({ path }: BinaryFile, stamp: string): Promise<void> {
  const dir = join(dirname(path), stampsName);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, stamp), "");
}
