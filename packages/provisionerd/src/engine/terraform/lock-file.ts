import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

export const LOCK_FILE = ".terraform.lock.hcl";

export async function readLockFile(dir: string): Promise<string> {
  return readFile(join(dir, LOCK_FILE), "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  });
}

export async function writeLockFile(dir: string, text: string): Promise<void> {
  if (text === "") await rm(join(dir, LOCK_FILE), { force: true });
  else await writeFile(join(dir, LOCK_FILE), text, { mode: 0o600 });
}

/** A lock file's versions without its checksums: those belong to the platform and the source that made them. */
export function withoutChecksums(lockFile: string): string {
  return lockFile.replace(/^[ \t]*hashes[ \t]*=[ \t]*\[[^\]]*\][ \t]*\r?\n?/gm, "");
}

/** `coder/coder 2.19.0`, for a log: what a lock file binds. */
export function lockedVersions(lockFile: string): string[] {
  const versions: string[] = [];
  for (const match of lockFile.matchAll(/^provider "([^"]+)" \{\s*\n\s*version\s*=\s*"([^"]+)"/gm)) {
    versions.push(`${(match[1] ?? "").split("/").slice(1).join("/")} ${match[2]}`);
  }
  return versions;
}
