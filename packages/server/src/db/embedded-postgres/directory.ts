import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, readdir, realpath, rmdir, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Account } from "./account.ts";
import { isReachable } from "./reachable.ts";

/** Where root puts data that the Postgres user could not reach in place. */
const reachableDir = "/var/lib/slipway";

/** The longest path a Unix socket can have; Linux gives 108 bytes with the closing zero. */
const socketPathLimit = process.platform === "linux" ? 107 : 103;

/** The files of one embedded Postgres. */
export type PostgresDirectory = { root: string; data: string; unfinished: string; password: string };

/**
 * Makes `dir`, usable by `account`, and returns its real place. Below a directory that the account may not enter,
 * such as root's home, `dir` becomes a link to one under /var/lib.
 */
export async function prepareDirectory(
  dir: string,
  account: Account | undefined,
): Promise<PostgresDirectory> {
  if (!(await exists(dir))) {
    await mkdir(dirname(dir), { recursive: true, mode: 0o700 });
    if (account === undefined || (await isReachable(dirname(dir), account))) await mkdirOrFind(dir);
    else await linkElsewhere(dir);
  } else if (account !== undefined && !(await isReachable(dirname(await realpath(dir)), account))) {
    // An empty directory made beforehand gives way; data is never moved behind its owner's back.
    if ((await readdir(dir)).length > 0) {
      throw new Error(
        `The database directory ${dir} cannot be reached by the user that Postgres runs as (id ${account.uid}), ` +
          "and Postgres does not run as root. Move the directory to one that every user may enter, such as /var/lib/slipway, and put a symbolic link in its place.",
      );
    }
    await rmdir(dir);
    await linkElsewhere(dir);
  }
  const root = await realpath(dir);
  await chmod(root, 0o700);
  if (account !== undefined) await chown(root, account.uid, account.gid);
  return filesOf(root);
}

/** The names below an existing directory. */
export function filesOf(root: string): PostgresDirectory {
  return {
    root,
    data: join(root, "data"),
    unfinished: join(root, "data.new"),
    password: join(root, "password"),
  };
}

/** Where the socket of the Postgres in `root` is: beside the data, else, when that path is too long, in a short one. */
export function socketDirectory(root: string): string {
  const run = join(root, "run");
  if (Buffer.byteLength(join(run, ".s.PGSQL.5432")) <= socketPathLimit) return run;
  return join(tmpdir(), `slipway-pg-${createHash("sha256").update(root).digest("hex").slice(0, 16)}`);
}

/** Makes the socket directory, or finds it; somebody else's directory of that name is refused. */
export async function prepareSocketDirectory(root: string, account: Account | undefined): Promise<string> {
  const dir = socketDirectory(root);
  await mkdirOrFind(dir);
  const found = await lstat(dir);
  const allowed = [process.getuid?.(), account?.uid];
  if (!found.isDirectory() || !allowed.includes(found.uid)) {
    throw new Error(
      `${dir} belongs to somebody else (user id ${found.uid}). Remove it: Postgres wants to put its socket there.`,
    );
  }
  await chmod(dir, 0o700);
  if (account !== undefined) await chown(dir, account.uid, account.gid);
  return dir;
}

async function linkElsewhere(dir: string): Promise<void> {
  const hash = createHash("sha256")
    .update(join(await realpath(dirname(dir)), basename(dir)))
    .digest("hex")
    .slice(0, 16);
  await mkdir(reachableDir, { recursive: true, mode: 0o755 });
  await chmod(reachableDir, 0o755);
  const target = join(reachableDir, hash);
  await mkdirOrFind(target);
  await symlink(target, dir).catch((error: NodeJS.ErrnoException) => {
    // Two first starts at once: the other one made the same link.
    if (error.code !== "EEXIST") throw error;
  });
}

async function mkdirOrFind(dir: string): Promise<void> {
  await mkdir(dir, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

async function exists(path: string): Promise<boolean> {
  return realpath(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
}
