import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Account } from "./account.ts";
import type { PostgresBinaries } from "./binaries.ts";
import type { PostgresDirectory } from "./directory.ts";
import { createPassword, readPassword } from "./password.ts";
import { runCommand } from "./run-command.ts";

/** Role and database of everything that the server keeps. */
export const roleName = "slipway";
export const databaseName = "slipway";

export type ClusterOptions = {
  dir: PostgresDirectory;
  binaries: PostgresBinaries;
  account: Account | undefined;
  /** False skips every fsync: for tests only. */
  sync: boolean;
  signal: AbortSignal | undefined;
};

/**
 * Makes the database cluster unless there is one, and returns its password. It is made under another name and
 * renamed when complete: an interrupted first start leaves nothing that a later one would take for data.
 */
export async function ensureCluster(options: ClusterOptions): Promise<string> {
  const { dir } = options;
  const major = await clusterMajor(dir);
  if (major === null) return createCluster(options);
  if (major !== options.binaries.major) throw new Error(otherMajor(dir, major, options.binaries.major));
  return (await readPassword(dir)) ?? (await replacePassword(options));
}

async function createCluster(options: ClusterOptions): Promise<string> {
  const { dir, binaries, account, signal } = options;
  await rm(dir.unfinished, { recursive: true, force: true });
  const password = await createPassword(dir, account);
  const args = [
    "-D",
    dir.unfinished,
    "-U",
    roleName,
    "--auth=scram-sha-256",
    `--pwfile=${dir.password}`,
    "-E",
    "UTF8",
  ];
  args.push("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8");
  if (!options.sync) args.push("--no-sync");
  const result = await runCommand(binaries.initdb, args, { as: account, cwd: dir.root, signal });
  if (result.code !== 0)
    throw new Error(`The built-in Postgres could not be set up in ${dir.root}: ${result.output}`);
  await singleUser(options, dir.unfinished, `create database ${databaseName}`);
  await rename(dir.unfinished, dir.data);
  return password;
}

/** Whoever lost the password file has not lost the data: the owner of the files may set another one. */
async function replacePassword(options: ClusterOptions): Promise<string> {
  const password = await createPassword(options.dir, options.account);
  // base64url needs no quoting
  await singleUser(options, options.dir.data, `alter role ${roleName} password '${password}'`);
  return password;
}

/** Runs one statement without a server; it goes through stdin because arguments are visible to everybody. */
async function singleUser(options: ClusterOptions, data: string, statement: string): Promise<void> {
  const { binaries, account, signal, dir } = options;
  const args = [
    "--single",
    "-D",
    data,
    "-c",
    `fsync=${options.sync ? "on" : "off"}`,
    "-c",
    "exit_on_error=on",
    "postgres",
  ];
  const stdin = `${statement}\n`;
  const result = await runCommand(binaries.postgres, args, { as: account, cwd: dir.root, stdin, signal });
  if (result.code !== 0)
    throw new Error(`The built-in Postgres could not be set up in ${dir.root}: ${result.output}`);
}

async function clusterMajor(dir: PostgresDirectory): Promise<number | null> {
  try {
    return Number.parseInt(await readFile(join(dir.data, "PG_VERSION"), "utf8"), 10);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

function otherMajor(dir: PostgresDirectory, found: number, ours: number): string {
  return `The database in ${dir.data} was made by Postgres ${found}; this program brings Postgres ${ours}, which cannot read it. Nothing was changed. To move the data over, with pg_dump and pg_restore of version ${ours}:
  1. With the program that used it until now:  coder server postgres-builtin-serve
     and beside it:  pg_dump --format=custom --file=slipway.dump "$(coder server postgres-builtin-url --raw-url)"
  2. Stop it, then:  mv ${dir.data} ${dir.data}-${found}
  3. With this program:  coder server postgres-builtin-serve
     and beside it:  pg_restore --no-owner --dbname="$(coder server postgres-builtin-url --raw-url)" slipway.dump`;
}
