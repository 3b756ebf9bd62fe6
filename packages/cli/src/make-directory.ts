import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { CliError } from "./cli-error.ts";

/**
 * Makes a directory and those above it. Node's own `recursive` never ends where the file system denies that a
 * directory can be made at all, as /proc does.
 */
export async function makeDirectory(path: string, options: { mode?: number; hint: string }): Promise<void> {
  try {
    await make(path, options.mode ?? 0o777);
  } catch (err) {
    throw notWritable(path, err, options.hint);
  }
}

async function make(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    if (code === "ENOENT" && dirname(path) !== path) {
      await make(dirname(path), mode);
      return mkdirOrFind(path, mode);
    }
    // A read-only file system may say so of a directory that is there, too.
    if (await isDirectory(path)) return;
    if (code !== "EEXIST") throw err;
    throw new Error("something that is not a directory is in its place");
  }
}

/** Its parent is there: what fails now fails for good. */
async function mkdirOrFind(path: string, mode: number): Promise<void> {
  await mkdir(path, { mode }).catch(async (err: unknown) => {
    if (!(await isDirectory(path))) throw err;
  });
}

function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The error of a place that cannot be written, with the way to another. */
export function notWritable(path: string, err: unknown, hint: string): CliError {
  return new CliError(`${path} cannot be written: ${plainReason(err)}.`, { hint, cause: err });
}

/** The reasons of the file system in words; those of Node name paths of ours that mean nothing to people. */
function plainReason(err: unknown): string {
  const { code, message } = err as NodeJS.ErrnoException;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "the file system is read-only";
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full";
    case "ENOTDIR":
      return "one of its parents is not a directory";
    case "ENOENT":
      return "no directory can be made there";
    default:
      return message;
  }
}
