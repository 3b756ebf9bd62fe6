import { lstat, mkdir, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";

const NOT_LINKED = new Set([".git", ".gitignore", ".gitmodules", ".gitattributes", ".github"]);

/**
 * Links every dot-entry of the repository into `target`, and says how many there are. An own file of the user that
 * is in the way is kept as `NAME.bak`; links are replaced.
 */
export async function linkDotfiles(options: {
  directory: string;
  target: string;
  say: (text: string) => void;
}): Promise<number> {
  const { directory, target, say } = options;
  const names = (await readdir(directory)).filter((name) => name.startsWith(".") && !NOT_LINKED.has(name));
  await mkdir(target, { recursive: true });
  for (const name of names) {
    const from = join(directory, name);
    const to = join(target, name);
    const present = await lstat(to).catch(() => undefined);
    if (present?.isSymbolicLink()) {
      if ((await readlink(to)) === from) continue;
      await rm(to);
    } else if (present !== undefined) {
      const kept = await freeName(`${to}.bak`);
      await rename(to, kept);
      say(`${to} was there already; it is kept as ${kept}.`);
    }
    await symlink(from, to);
  }
  return names.length;
}

async function freeName(path: string): Promise<string> {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? path : `${path}.${number}`;
    if ((await lstat(candidate).catch(() => undefined)) === undefined) return candidate;
  }
}
