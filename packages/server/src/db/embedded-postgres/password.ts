import { randomBytes } from "node:crypto";
import { chown, readFile, rename, writeFile } from "node:fs/promises";
import type { Account } from "./account.ts";
import type { PostgresDirectory } from "./directory.ts";

/** The password in `dir`, or null before the first start. */
export async function readPassword(dir: PostgresDirectory): Promise<string | null> {
  try {
    return (await readFile(dir.password, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Makes a password, readable by the account alone: initdb reads the same file. */
export async function createPassword(dir: PostgresDirectory, account: Account | undefined): Promise<string> {
  const password = randomBytes(24).toString("base64url");
  const temporary = `${dir.password}.${randomBytes(6).toString("hex")}`;
  await writeFile(temporary, `${password}\n`, { mode: 0o600, flag: "wx" });
  if (account !== undefined) await chown(temporary, account.uid, account.gid);
  await rename(temporary, dir.password);
  return password;
}
