import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepOutput, spawnCoder } from "./coder-process.ts";
import { sharedCacheDir } from "./coder-server.ts";
import { waitFor } from "./wait-for.ts";

export type ExternalDaemon = {
  name: string;
  child: ChildProcess;
  /** What it printed so far. */
  log(): string;
  /** Waits until it says that it is connected. */
  connected(timeoutMs?: number): Promise<void>;
  /** Waits until it has printed this. */
  says(text: string | RegExp): Promise<void>;
  /** Sends the signal, if one is given, and waits for the end. */
  exit(signal?: NodeJS.Signals): Promise<number | null>;
};

export type ExternalDaemonOptions = {
  /** Of the server. */
  url: string;
  name: string;
  args?: readonly string[];
  /** The credential: `CODER_PROVISIONER_DAEMON_KEY`, `CODER_PROVISIONER_DAEMON_PSK` or `CODER_SESSION_TOKEN`. */
  env: Record<string, string>;
  /** What the command is started by, such as `ip netns exec NAME`: it must become the command. */
  prefix?: readonly string[];
};

/**
 * `coder provisioner start` as a process of its own, without anybody's stored session.
 *
 * @example
 * const daemon = await startExternalDaemon({ url: server.url, name: "one", env: { CODER_PROVISIONER_DAEMON_KEY: key } });
 * await daemon.connected();
 * expect(await daemon.exit("SIGTERM")).toBe(0);
 */
export async function startExternalDaemon(options: ExternalDaemonOptions): Promise<ExternalDaemon> {
  const configDir = await mkdtemp(join(tmpdir(), "slipway-daemon-"));
  const child = spawnCoder(
    ["provisioner", "start", "--name", options.name, ...(options.args ?? [])],
    {
      CODER_URL: options.url,
      CODER_CONFIG_DIR: configDir,
      CODER_CACHE_DIRECTORY: sharedCacheDir,
      CODER_NO_VERSION_WARNING: "true",
      ...options.env,
    },
    { stdio: ["ignore", "pipe", "pipe"], prefix: options.prefix ?? [] },
  );
  const output = keepOutput(child.stdout, child.stderr);
  const closed = once(child, "close").finally(() => rm(configDir, { recursive: true, force: true }));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const says = async (text: string | RegExp, timeoutMs = 60_000) => {
    const isSaid = () => (typeof text === "string" ? output.text().includes(text) : text.test(output.text()));
    await waitFor(`${options.name} to say ${text}`, () => isSaid() || hasEnded(), { timeoutMs });
    if (!isSaid()) throw new Error(`${options.name} ended without saying ${text}:\n${output.text()}`);
  };
  return {
    name: options.name,
    child,
    log: output.text,
    says: (text) => says(text),
    connected: (timeoutMs) => says("provisioner: successfully connected to coderd", timeoutMs),
    async exit(signal) {
      if (signal !== undefined && !hasEnded()) child.kill(signal);
      await closed;
      return child.exitCode;
    },
  };
}
