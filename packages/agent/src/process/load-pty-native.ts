import { createHash } from "node:crypto";
import { chmodSync, lstatSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants, homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { getRawAsset, isSea } from "node:sea";
import { makeDirectory } from "../environment/make-directory.ts";

/** The native part of `@lydell/node-pty` 1.1.0: the only calls that we make of it. */
export type PtyNative = {
  fork(
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    onExit: (code: number, signal: number) => void,
  ): { fd: number; pid: number; pty: string };
  resize(fd: number, cols: number, rows: number): void;
};

let loaded: PtyNative | Error | undefined;

/** Throws when it cannot be loaded here (no glibc, no place that allows executables); the result is remembered. */
export function loadPtyNative(env: NodeJS.ProcessEnv = process.env): PtyNative {
  try {
    loaded ??= isSea() ? loadFromAsset(env) : loadFromPackage();
  } catch (error) {
    loaded = error instanceof Error ? error : new Error(String(error));
  }
  if (loaded instanceof Error) throw loaded;
  return loaded;
}

/** macOS starts its children through a small program beside the module. */
export function spawnHelperPath(): string {
  if (process.platform !== "darwin") return "";
  return createRequire(import.meta.url).resolve(`${packageName()}/spawn-helper`);
}

function packageName(): string {
  return `@lydell/node-pty-${process.platform}-${process.arch}`;
}

function loadFromPackage(): PtyNative {
  return createRequire(import.meta.url)(`${packageName()}/pty.node`);
}

/** A shared library must be a file: it is written once per digest to a directory that only we can write. */
function loadFromAsset(env: NodeJS.ProcessEnv): PtyNative {
  const body = Buffer.from(getRawAsset("pty.node"));
  const digest = createHash("sha256").update(body).digest("hex");
  const uid = process.getuid?.() ?? 0;
  const bases = [
    env.CODER_CACHE_DIR,
    env.XDG_CACHE_HOME,
    join(env.HOME || homedir(), ".cache"),
    tmpdir(),
    "/dev/shm",
  ];
  let last: unknown = new Error("no cache directory");
  for (const base of bases) {
    if (base === undefined || base === "") continue;
    try {
      const dir = join(base, `slipway-${uid}`);
      makeDirectory(dir, 0o700);
      const stat = lstatSync(dir);
      if (!stat.isDirectory() || stat.uid !== uid) throw new Error(`${dir} belongs to someone else.`);
      if ((stat.mode & 0o077) !== 0) chmodSync(dir, 0o700);
      const path = join(dir, `${digest}-pty.node`);
      if (!holds(path, body)) {
        const temporary = `${path}.${process.pid}`;
        writeFileSync(temporary, body, { mode: 0o700 });
        renameSync(temporary, path);
      }
      const module: { exports: unknown } = { exports: {} };
      process.dlopen(module, path, constants.dlopen.RTLD_NOW);
      return module.exports as PtyNative; // the asset is that library, by its digest
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function holds(path: string, body: Buffer): boolean {
  try {
    return readFileSync(path).equals(body);
  } catch {
    return false;
  }
}
