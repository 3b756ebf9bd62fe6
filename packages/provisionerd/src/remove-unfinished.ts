import { rm, stat } from "node:fs/promises";

/** What is written here is moved to its place within seconds. */
const UNFINISHED_FOR_MS = 3_600_000;

/** Removes a file or directory that a daemon which died was still writing: nobody has touched it for an hour. */
export async function removeUnfinished(path: string): Promise<void> {
  const found = await stat(path).catch(() => null); // It was finished meanwhile.
  if (found !== null && Date.now() - found.mtimeMs > UNFINISHED_FOR_MS) {
    await rm(path, { recursive: true, force: true });
  }
}
