import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cleanEnvironment, keepOutput } from "./coder-process.ts";
import { waitFor } from "./wait-for.ts";

const run = promisify(execFile);
const bridgeName = "slipwaytest0";
const gateway = "172.30.253.1";

export type DockerDaemon = {
  /** As DOCKER_HOST takes it. */
  host: string;
  /** Address of this machine on the containers' bridge. */
  gateway: string;
  docker(...args: string[]): Promise<string>;
  /** What a container printed, on both of its streams. */
  logs(container: string): Promise<string>;
  /** An image with nothing but busybox. */
  importBusybox(name: string): Promise<void>;
  stop(): Promise<void>;
};

/** Why no Docker engine can run here, or null. */
export function whyNoDocker(): string | null {
  if (process.platform !== "linux") return "Docker engines run on Linux";
  if (process.getuid?.() !== 0) return "dockerd needs root";
  for (const program of ["dockerd", "docker", "busybox"]) {
    if (!answers(program, "--help")) return `${program} is not installed`;
  }
  return null;
}

/** Why containers here cannot have a bridge, or null. */
export function whyNoBridge(): string | null {
  const docker = whyNoDocker();
  if (docker !== null) return docker;
  if (!answers("ip", "-Version")) return "ip is not installed";
  removeBridge();
  if (!answers("ip", "link", "add", bridgeName, "type", "bridge")) return "the kernel makes no bridge";
  const pair = ["link", "add", `${bridgeName}a`, "type", "veth", "peer", "name", `${bridgeName}b`];
  const hasVeth = answers("ip", ...pair) && answers("ip", "link", "del", `${bridgeName}a`);
  removeBridge();
  return hasVeth ? null : "the kernel makes no pair of virtual interfaces";
}

/**
 * A real engine with everything of its own, which touches neither the packet filter nor the default bridge: one that
 * serves this machine's user meanwhile notices nothing.
 */
export async function startDockerDaemon(): Promise<DockerDaemon> {
  const root = await mkdtemp(join(tmpdir(), "slipway-docker-"));
  const host = `unix://${join(root, "docker.sock")}`;
  const hasBridge = whyNoBridge() === null;
  if (hasBridge) {
    await run("ip", ["link", "add", bridgeName, "type", "bridge"]);
    await run("ip", ["addr", "add", `${gateway}/24`, "dev", bridgeName]);
    await run("ip", ["link", "set", bridgeName, "up"]);
  }
  const places = { "data-root": "data", "exec-root": "exec", pidfile: "pid" };
  const child = spawn(
    "dockerd",
    [
      ...Object.entries(places).map(([flag, name]) => `--${flag}=${join(root, name)}`),
      `--host=${host}`,
      "--iptables=false",
      "--ip6tables=false",
      `--bridge=${hasBridge ? bridgeName : "none"}`,
    ],
    { env: cleanEnvironment(), stdio: ["ignore", "pipe", "pipe"] },
  );
  const log = keepOutput(child.stdout, child.stderr);
  const exited = once(child, "exit");

  async function docker(...args: string[]): Promise<string> {
    const { stdout } = await run("docker", ["--host", host, ...args]);
    return stdout.trim();
  }

  async function logs(container: string): Promise<string> {
    const { stdout, stderr } = await run("docker", ["--host", host, "logs", container]);
    return stdout + stderr;
  }

  async function stop(): Promise<void> {
    if (child.exitCode === null) {
      const containers = (await docker("ps", "--all", "--quiet")).split("\n").filter((id) => id !== "");
      if (containers.length > 0) await docker("rm", "--force", ...containers);
    }
    child.kill("SIGTERM");
    await exited;
    if (hasBridge) removeBridge();
    // dockerd leaves the mount of the host's network namespace and, where mounts are not shared, that of its data.
    for (const mount of ["exec/netns/default", "data"]) answers("umount", "--lazy", join(root, mount));
    await rm(root, { recursive: true, force: true });
  }

  async function importBusybox(name: string): Promise<void> {
    const rootfs = join(root, "rootfs");
    for (const dir of ["bin", "etc", "tmp", "root", "dev", "proc", "sys"]) {
      await mkdir(join(rootfs, dir), { recursive: true });
    }
    const { stdout: program } = await run("which", ["busybox"]);
    await run("cp", ["--dereference", program.trim(), join(rootfs, "bin/busybox")]);
    const { stdout: applets } = await run("busybox", ["--list"]);
    for (const applet of applets.trim().split("\n")) {
      // A link to itself would hide the program.
      if (applet !== "busybox") await symlink("busybox", join(rootfs, "bin", applet));
    }
    await run("tar", ["--create", "--file", join(root, "rootfs.tar"), "--directory", rootfs, "."]);
    await docker("import", join(root, "rootfs.tar"), name);
  }

  try {
    await waitFor("dockerd to answer", async () => {
      if (child.exitCode !== null) return true;
      return docker("version");
    });
    if (child.exitCode !== null) throw new Error(`dockerd ended:\n${log.text()}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host, gateway, docker, logs, importBusybox, stop };
}

function removeBridge(): void {
  answers("ip", "link", "del", bridgeName);
}

function answers(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
