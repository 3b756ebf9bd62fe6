import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { errorCode } from "../log/log.ts";

/**
 * Makes a directory and the ones above it. Not by Node's `recursive`, which never returns where the kernel answers
 * ENOENT for a parent that exists (below `/proc`).
 */
export function makeDirectory(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (isDirectory(path)) return;
    const parent = dirname(path);
    if (errorCode(error) !== "ENOENT" || parent === path || isDirectory(parent)) throw error;
    makeDirectory(parent, mode);
    mkdirSync(path, { mode });
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
