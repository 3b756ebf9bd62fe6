import { createHash } from "node:crypto";
import { lstat, mkdir, open, readdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

export type TreeSum = { digest: string; bytes: number };

/**
 * The digest of a directory: names, kinds, contents, the executable bit and the targets of links. With
 * `copyTo`, what was read is also written there, so that what is verified is exactly what was copied.
 */
export async function sumTree(dir: string, copyTo?: string): Promise<TreeSum> {
  const hash = createHash("sha256");
  let bytes = 0;
  const visit = async (path: string): Promise<void> => {
    const source = path === "" ? dir : join(dir, path);
    const target = copyTo === undefined ? undefined : join(copyTo, path);
    if (target !== undefined) await mkdir(target, { recursive: true, mode: 0o700 });
    for (const name of (await readdir(source)).sort()) {
      const below = path === "" ? name : `${path}/${name}`;
      const file = join(source, name);
      const found = await lstat(file);
      if (found.isDirectory()) {
        hash.update(`d ${below}\0`);
        await visit(below);
      } else if (found.isSymbolicLink()) {
        const link = await readlink(file);
        hash.update(`l ${below}\0${link}\0`);
        if (target !== undefined) await symlink(link, join(target, name));
      } else if (found.isFile()) {
        const content = await readFile(file);
        const executable = (found.mode & 0o100) !== 0;
        bytes += content.byteLength;
        hash.update(`${executable ? "x" : "f"} ${below}\0${content.byteLength}\0`).update(content);
        if (target !== undefined)
          await writeFile(join(target, name), content, { mode: executable ? 0o700 : 0o600 });
      }
    }
  };
  await visit("");
  return { digest: hash.digest("hex"), bytes };
}

/** Makes sure that a directory's entries are on the disk before something points to it. */
export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  await handle.sync().finally(() => handle.close());
}
