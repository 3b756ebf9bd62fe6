import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import type { Tunnel } from "../../tunnel/tunnel.ts";
import { captureInWorkspace } from "./capture-in-workspace.ts";
import { startRemoteForwards } from "./remote-forward.ts";

const maxKeyBytes = 16 * 1024 * 1024;

/**
 * An agent over there would hold the socket. As it ends it removes whatever has that name, ours too, so its end is
 * waited for.
 */
const endAgent = `gpgconf --kill gpg-agent
for i in 1 2 3 4 5 6 7 8 9 10; do
  gpg-connect-agent --no-autostart /bye 2>/dev/null || break
  sleep 0.1
done
rm -f "$(gpgconf --list-dirs agent-socket)"`;

/**
 * Makes the keys of our GnuPG usable in the workspace: the public ones are imported there, and its agent's socket
 * leads to ours, to the restricted one that is meant for this.
 */
export async function startGpgForward(cli: Cli, tunnel: Tunnel): Promise<{ close(): void }> {
  const [local, keys, trust] = await Promise.all([
    localTool("gpgconf", ["--list-dirs", "agent-extra-socket"]),
    localTool("gpg", ["--armor", "--export"]),
    localTool("gpg", ["--export-ownertrust"]),
  ]);
  // Starts our agent where it does not run.
  await localTool("gpg-connect-agent", ["/bye"]);
  const remote = (await inWorkspace("gpgconf --create-socketdir; gpgconf --list-dirs agent-socket")).trim();
  if (!remote.startsWith("/")) {
    throw new CliError("GnuPG in the workspace does not say where its socket is.", {
      hint: "Install gnupg in the workspace.",
    });
  }
  await inWorkspace("gpg --batch --no-autostart --import", keys);
  await inWorkspace("gpg --batch --no-autostart --import-ownertrust", trust);
  await inWorkspace(endAgent);
  return startRemoteForwards(cli, tunnel.openResumable({ case: "ssh", value: {} }), [
    { remote: { path: remote }, local: { path: local.trim() } },
  ]);

  async function inWorkspace(command: string, input = ""): Promise<string> {
    const { code, stdout, stderr } = await captureInWorkspace(tunnel, command, input);
    if (code === 0) return stdout;
    throw new CliError(`GnuPG cannot be forwarded: "${command}" failed in the workspace (status ${code}).`, {
      hint: stderr.trim() || "Install gnupg in the workspace.",
    });
  }
}

async function localTool(name: string, args: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(name, args, { maxBuffer: maxKeyBytes });
    return stdout;
  } catch (err) {
    throw new CliError(
      `--forward-gpg: ${name} failed here: ${err instanceof Error ? err.message : String(err)}`,
      {
        hint: "Install GnuPG, or leave the flag out.",
        cause: err,
      },
    );
  }
}
