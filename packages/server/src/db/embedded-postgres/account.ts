import { readFile, stat } from "node:fs/promises";
import { runCommand } from "./run-command.ts";

/** The user that Postgres runs as; undefined means: as ourselves. */
export type Account = { uid: number; gid: number };

/** Tried in this order; the last one is what we make ourselves. */
const accountNames = ["postgres", "slipway-postgres"] as const;

/**
 * Postgres refuses to run as root, so root gives it the user `postgres`, else one made for it. Existing data
 * keeps its owner: the `postgres` package may have been installed after the first start.
 */
export async function chooseAccount(dataDir: string): Promise<Account | undefined> {
  const owner = await ownerOf(dataDir);
  const self = process.getuid?.();
  if (self !== 0) {
    if (owner !== undefined && self !== undefined && owner.uid !== self) {
      throw new Error(
        `The database in ${dataDir} belongs to the user with id ${owner.uid}, not to the one running this (${self}). ` +
          "Start the server as that user, or as root.",
      );
    }
    return undefined;
  }
  if (owner !== undefined && owner.uid !== 0) return owner;
  return (await findAccount()) ?? (await makeAccount());
}

async function ownerOf(path: string): Promise<Account | undefined> {
  try {
    const { uid, gid } = await stat(path);
    return { uid, gid };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function findAccount(): Promise<Account | undefined> {
  const passwd = await readFile("/etc/passwd", "utf8");
  const lines = passwd.split("\n").map((line) => line.split(":"));
  for (const name of accountNames) {
    const line = lines.find((fields) => fields[0] === name);
    if (line !== undefined) return { uid: Number(line[2]), gid: Number(line[3]) };
  }
  return undefined;
}

async function makeAccount(): Promise<Account> {
  const name = accountNames[1];
  const attempts: [string, string[]][] = [
    [
      "useradd",
      [
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/bin/false",
        name,
      ],
    ],
    // busybox, as in Alpine
    ["adduser", ["-S", "-D", "-H", "-s", "/bin/false", name]],
  ];
  const failures: string[] = [];
  for (const [file, args] of attempts) {
    const result = await runCommand(file, args).catch((error: Error) => ({
      code: null,
      output: error.message,
    }));
    const account = await findAccount();
    if (account !== undefined) return account;
    failures.push(`${file}: ${result.output}`);
  }
  throw new Error(
    `Postgres does not run as root, and no user could be made for it (${failures.join("; ")}). ` +
      `Make a system user named "postgres", or start the server as another user than root.`,
  );
}
