import { randomBytes } from "node:crypto";
import { chmod, readlink, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** The file that a path leads to: people keep theirs elsewhere, behind links. Of a link to nothing, what it names. */
export function linkTarget(path: string): Promise<string> {
  return realpath(path).catch(async () => resolve(dirname(path), await readlink(path).catch(() => path)));
}

/** Replaces a file in one step, with the mode that it had, or `newMode` when there was none. Leaves nothing behind. */
export async function replaceFile(
  target: string,
  text: string,
  { encoding, newMode }: { encoding: BufferEncoding; newMode: number },
): Promise<void> {
  const mode = await stat(target).then(
    (found) => found.mode & 0o777,
    () => newMode,
  );
  const temporary = `${target}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(temporary, text, { mode, encoding });
    await chmod(temporary, mode);
    await rename(temporary, target);
  } catch (err) {
    await rm(temporary, { force: true }).catch(() => {}); // Why it was not made is what counts.
    throw err;
  }
}
