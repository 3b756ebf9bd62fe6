import { randomBytes } from "node:crypto";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { ApiResponseError, type Client, users } from "@slipway/api/client";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import type { UpPaths } from "./up-paths.ts";

const passwordBytes = 18;

/** A client of the server of `up`, logged in as its first user, who is made when there is none. */
export async function ensureSession(
  cli: Cli,
  paths: UpPaths,
  url: string,
): Promise<{ client: Client; isNew: boolean; username: string }> {
  const stored = await cli.config.read("session");
  if (stored) {
    const client = await cli.clientFor(url, stored);
    const me = await client.call(users.getUser, { params: { user: "me" } }).catch((err: unknown) => {
      if (err instanceof ApiResponseError && err.status === 401) return undefined;
      throw err;
    });
    if (me) {
      await remember(cli, url, stored);
      return { client, isNew: false, username: me.username };
    }
  }
  const anonymous = await cli.clientFor(url, undefined);
  const isNew = await anonymous.call(users.getFirstUser).then(
    () => false,
    (err: unknown) => {
      if (err instanceof ApiResponseError && err.status === 404) return true;
      throw err;
    },
  );
  const username = localUsername();
  const email = `${username}@slipway.local`;
  if (isNew) {
    // Before the user is made: with the password lost, nobody could use what has been begun.
    await writePassword(paths, randomBytes(passwordBytes).toString("base64url"));
    await anonymous.call(users.createFirstUser, {
      body: { email, username, password: await readPassword(paths) },
    });
  }
  const { session_token: token } = await anonymous
    .call(users.login, { body: { email, password: await readPassword(paths) } })
    .catch((err: unknown) => {
      if (!(err instanceof ApiResponseError && err.status === 401)) throw err;
      throw new CliError(`The password in ${paths.password} is not the one of ${email} any more.`, {
        hint: `Log in by yourself: ${cli.self} --global-config ${paths.config} login ${url}`,
        cause: err,
      });
    });
  await remember(cli, url, token);
  return { client: await cli.clientFor(url, token), isNew, username };
}

async function remember(cli: Cli, url: string, token: string): Promise<void> {
  if ((await cli.config.read("url")) !== url) await cli.config.write("url", url);
  if ((await cli.config.read("session")) !== token) await cli.config.write("session", token);
}

async function readPassword(paths: UpPaths): Promise<string> {
  const password = await readFile(paths.password, "utf8").catch(() => "");
  if (password.trim() !== "") return password.trim();
  throw new CliError(`The password file ${paths.password} is gone.`, {
    hint: "Set a new password with 'coder reset-password', and write it there.",
  });
}

async function writePassword(paths: UpPaths, password: string): Promise<void> {
  await writeFile(paths.password, `${password}\n`, { mode: 0o600 });
  // The mode above counts for new files only.
  await chmod(paths.password, 0o600);
}

/** The account's name as far as usernames allow. */
export function localUsername(name: string = accountName()): string {
  const allowed = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 32)
    .replace(/-+$/, "");
  // Some names have a meaning in addresses.
  return allowed === "" || allowed === "me" || allowed === "new" ? "dev" : allowed;
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return ""; // An account without an entry, as containers have them.
  }
}
