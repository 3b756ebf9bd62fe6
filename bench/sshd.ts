import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { keepOutput } from "../test/harness/coder-process.ts";
import { freePort } from "../test/harness/coder-server.ts";
import { waitFor } from "../test/harness/wait-for.ts";
import { launcher, time } from "./coder.ts";
import type { Deployment } from "./deployment.ts";

/** Words after `ssh` that reach a host, without the command. The same client and the same cipher for both. */
export type SshTarget = { name: string; args: readonly string[]; env: Record<string, string> };

const common = [
  ["-F", "/dev/null"],
  ["-o", "StrictHostKeyChecking=no"],
  ["-o", "UserKnownHostsFile=/dev/null"],
  ["-o", "LogLevel=ERROR"],
  ["-o", "BatchMode=yes"],
  ["-o", "Ciphers=aes128-gcm@openssh.com"],
  ["-o", "Compression=no"],
  // Newer clients send keystrokes every 20 ms to hide when they are typed; older ones do not know the option.
  ["-o", "IgnoreUnknown=ObscureKeystrokeTiming"],
  ["-o", "ObscureKeystrokeTiming=no"],
].flat();

/** The workspace as OpenSSH reaches it: through our command line, server and agent. */
export function workspaceTarget({ server, workspace }: Deployment): SshTarget {
  const proxy = `ProxyCommand=${launcher} ssh --stdio ${workspace}`;
  return { name: "Slipway", args: [...common, "-o", proxy, `coder@${workspace}`], env: server.clientEnv };
}

export type Sshd = { target: SshTarget; stop(): Promise<void> };

/** OpenSSH's own server on loopback, with keys of its own. */
export async function startSshd(): Promise<Sshd> {
  const dir = await mkdtemp(join(tmpdir(), "slipway-sshd-"));
  const key = join(dir, "key");
  await time("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  const port = await freePort();
  const config = join(dir, "config");
  const settings = {
    ListenAddress: `127.0.0.1:${port}`,
    HostKey: key,
    AuthorizedKeysFile: `${key}.pub`,
    PidFile: "none",
    StrictModes: "no",
    UsePAM: "no",
    PermitRootLogin: "yes",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  await writeFile(config, lines.join(""));
  // Where sshd gives up its privileges; Debian's start script makes it.
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true });
  // sshd starts itself again for each connection, by the path under which it was started.
  const { stdout: program } = await time("sh", ["-c", "PATH=$PATH:/usr/sbin:/sbin command -v sshd"]);
  const child = spawn(program.trim(), ["-D", "-e", "-f", config], { stdio: ["ignore", "pipe", "pipe"] });
  const log = keepOutput(child.stdout, child.stderr);
  const exited = once(child, "exit");

  async function stop(): Promise<void> {
    child.kill();
    await exited;
    await rm(dir, { recursive: true, force: true });
  }
  try {
    await waitFor("sshd to answer", () => {
      if (child.exitCode !== null) throw new Error(`sshd ended:\n${log.text()}`);
      const socket = connect(port, "127.0.0.1");
      return once(socket, "data").finally(() => socket.destroy());
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const { username } = userInfo();
  const args = [...common, "-i", key, "-o", "IdentitiesOnly=yes", "-p", `${port}`, `${username}@127.0.0.1`];
  return { target: { name: "OpenSSH sshd", args, env: {} }, stop };
}
