import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { agents } from "@slipway/api/client";
import type { Cli } from "../cli.ts";
import { CliError, ExitStatus } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";

type KeyPair = { public_key: string; private_key: string };

/**
 * `coder gitssh -- ARGS`: what `GIT_SSH_COMMAND` names in a workspace. Runs ssh with the key pair that the server
 * keeps for the workspace's owner, before the keys that the user has here.
 */
export const configure: Configure = (command, cli) => {
  command.argument("[args...]").allowUnknownOption().passThroughOptions().helpOption(false);
  command.action(async (args: string[]) => {
    const pair = await fetchKey(cli);
    throw new ExitStatus(await runSsh(cli, args, pair));
  });
};

/** Undefined where there is no key to be had: ssh then does what it can with the user's own. */
async function fetchKey(cli: Cli): Promise<KeyPair | undefined> {
  const { agentUrl, agentToken } = cli.globals;
  if (!agentUrl || !agentToken) {
    throw new CliError("coder gitssh works inside a workspace only.", {
      hint: "It needs CODER_AGENT_URL and CODER_AGENT_TOKEN, which the agent sets for every session.",
    });
  }
  try {
    const client = await cli.clientFor(agentUrl, agentToken);
    return await client.call(agents.getAgentGitSSHKey, {});
  } catch (error) {
    cli.say(
      `coder: your Git SSH key could not be fetched, ssh goes on without it: ${error instanceof Error ? error.message : error}`,
    );
    return undefined;
  }
}

async function runSsh(cli: Cli, args: string[], pair: KeyPair | undefined): Promise<number> {
  const key = pair === undefined ? undefined : writeKey(pair);
  // Also when a second Ctrl-C ends the program at once.
  const removeKey = () => key?.remove();
  process.once("exit", removeKey);
  try {
    const identities = key === undefined ? [] : [key.path, ...(await ownIdentities(args))];
    const code = await run(cli, "ssh", [...identities.flatMap((path) => ["-i", path]), ...args]);
    if (code === 255 && pair !== undefined) {
      cli.say(
        `\ncoder: git used this public key of yours; register it with your Git provider if it was refused:\n${pair.public_key.trim()}`,
      );
    }
    return code;
  } finally {
    removeKey();
    process.off("exit", removeKey);
  }
}

/** ssh reads keys from files only. The directory is ours alone; a full disk has memory as its neighbour. */
function writeKey({ private_key }: KeyPair): { path: string; remove(): void } {
  let failure: unknown;
  for (const base of [tmpdir(), "/dev/shm", homedir()]) {
    try {
      const dir = mkdtempSync(join(base, ".coder-gitssh-"));
      const path = join(dir, "coder.key");
      const remove = () => rmSync(dir, { recursive: true, force: true });
      try {
        writeFileSync(path, private_key.endsWith("\n") ? private_key : `${private_key}\n`, { mode: 0o600 });
        return { path, remove };
      } catch (error) {
        remove();
        throw error;
      }
    } catch (error) {
      failure = error;
    }
  }
  throw new CliError("Your Git SSH key cannot be written to a file for ssh.", {
    hint: "Free some disk space.",
    cause: failure,
  });
}

/** The identity files that ssh would take by itself: with `-i` it no longer looks for its defaults. */
function ownIdentities(args: string[]): Promise<string[]> {
  return new Promise((resolve) => {
    execFile("ssh", ["-G", ...args], { timeout: 5_000 }, (error, stdout) => {
      if (error) return resolve([]);
      const files = [...stdout.matchAll(/^identityfile (.+)$/gm)].map(([, name = ""]) =>
        name.startsWith("~/") ? join(homedir(), name.slice(2)) : name,
      );
      resolve(files.filter((file) => existsSync(file)));
    });
  });
}

function run(cli: Cli, program: string, args: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit" });
    const onAbort = () => child.kill("SIGTERM");
    cli.signal.addEventListener("abort", onAbort, { once: true });
    child.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "ENOENT"
          ? new CliError(`There is no "${program}" program in this workspace.`, {
              hint: "Install the OpenSSH client, or clone over https.",
            })
          : error,
      );
    });
    child.once("exit", (code, signal) => {
      cli.signal.removeEventListener("abort", onAbort);
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}
