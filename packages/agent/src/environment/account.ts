import { accessSync, constants, statSync } from "node:fs";
import { homedir, userInfo } from "node:os";

/** Whose processes the agent starts: always the user that it runs as itself. */
export type Account = { username: string; home: string; shell: string };

/** Containers often run a uid without a passwd entry: everything has a fallback. */
export function readAccount(env: NodeJS.ProcessEnv): Account {
  let entry: { username: string; homedir: string; shell: string | null } | undefined;
  try {
    entry = userInfo();
  } catch {
    // ENOENT: no passwd entry for this uid.
  }
  return {
    username: entry?.username ?? env.USER ?? env.LOGNAME ?? "coder",
    home: env.HOME || entry?.homedir || homedir() || "/",
    shell: [entry?.shell, env.SHELL].find((shell) => shell && !refusesLogins(shell)) || "/bin/sh",
  };
}

/** The shell of a system account, such as "nobody". Whoever runs a workspace with it wants to work there. */
function refusesLogins(shell: string): boolean {
  return /\/(nologin|false)$/.test(shell);
}

export class MissingShellError extends Error {
  override name = "MissingShellError";
}

/** The login shell, else `/bin/sh`; neither is an error that names both. */
export function findShell(account: Account): string {
  if (isExecutable(account.shell)) return account.shell;
  if (isExecutable("/bin/sh")) return "/bin/sh";
  throw new MissingShellError(
    `No shell found: neither ${account.shell} (the login shell of ${account.username}) nor /bin/sh exists in this workspace. Add a shell to its image.`,
  );
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
