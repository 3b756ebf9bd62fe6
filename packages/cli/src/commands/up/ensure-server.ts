import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, rename, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import { makeDirectory } from "../../make-directory.ts";
import { openLiveLine } from "../../output/live-line.ts";
import { createStageView } from "../../output/stage-view.ts";
import { selfCommand } from "../../self-command.ts";
import { isRunning, pidOf, processIdentity } from "./process-identity.ts";
import type { UpPaths } from "./up-paths.ts";
import { changeState, readState } from "./up-state.ts";
import { elsewhere } from "./with-lock.ts";

const firstPort = 3000;
const lastPort = 3999;
const loopback = "127.0.0.1";
const startMs = 120_000;
const pollMs = 50;
const answerMs = 2_000;
const maxLogBytes = 16 * 1024 * 1024;
const shownLogLines = 15;
const maxAttempts = 10;

export type UpServer = { url: string; pid: number; wasStarted: boolean; portChanged: boolean };

/**
 * Makes sure that the server of `up` runs in the background and answers. `extraHosts` are asked for only when it has
 * to be started.
 */
export async function ensureServer(
  cli: Cli,
  paths: UpPaths,
  extraHosts: () => Promise<string[]>,
): Promise<UpServer> {
  const state = await readState(paths);
  if (state.server && state.port && isRunning(state.server)) {
    const url = `http://${loopback}:${state.port}`;
    await untilAnswered(cli, paths, url, state.server);
    return { url, pid: pidOf(state.server) ?? 0, wasStarted: false, portChanged: false };
  }
  await makeDirectory(paths.config, { mode: 0o700, hint: elsewhere });
  const hosts = await extraHosts();
  const live = openLiveLine(cli.stderr, cli.env);
  const view = createStageView(live, cli.err);
  view.stage("Starting the server", new Date());
  try {
    const started = await startServer(cli, paths, state.port, hosts);
    view.end("done", new Date());
    return started;
  } catch (err) {
    view.end("failed", new Date());
    throw err;
  } finally {
    view.close();
  }
}

/** The port is looked for before the server starts, which takes a while: when another takes it meanwhile, tries the next. */
async function startServer(
  cli: Cli,
  paths: UpPaths,
  before: number | undefined,
  hosts: readonly string[],
): Promise<UpServer> {
  await rotateLog(paths.serverLog);
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(before, [loopback, ...hosts]);
    const url = `http://${loopback}:${port}`;
    const extraAddresses = hosts.map((host) => `${host}:${port}`);
    const logBytes = await sizeOf(paths.serverLog);
    const said = (text: string) => textFrom(paths.serverLog, logBytes).then((log) => log.includes(text));
    const pid = await startInBackground(cli, paths, url, port, extraAddresses);
    const server = processIdentity(pid) ?? String(pid);
    await changeState(paths, { port, server, extraAddresses, isUp: true });
    try {
      // Whoever took the port a moment before answers, too: ours says itself that it listens.
      await untilAnswered(cli, paths, url, server, () => said(listenerLine(url)));
      return { url, pid, wasStarted: true, portChanged: before !== undefined && before !== port };
    } catch (err) {
      if (attempt === maxAttempts || isRunning(server) || !(await said(portTakenText))) throw err;
    }
  }
}

async function startInBackground(
  cli: Cli,
  paths: UpPaths,
  url: string,
  port: number,
  extraAddresses: readonly string[],
): Promise<number> {
  const log = openSync(paths.serverLog, "a", 0o600);
  const [program = "", ...words] = selfCommand(cli.env);
  const extra = extraAddresses.flatMap((address) => ["--extra-http-address", address]);
  const child = spawn(program, [...words, "server", "--http-address", `${loopback}:${port}`, ...extra], {
    // It outlives us and our terminal.
    detached: true,
    stdio: ["ignore", log, log],
    cwd: paths.root,
    env: serverEnvironment(cli.env, paths, url),
  });
  closeSync(log);
  return new Promise((resolve, reject) => {
    child.once("error", (err) => reject(new CliError(`The server could not be started: ${err.message}`)));
    child.once("spawn", () => {
      child.unref();
      resolve(child.pid ?? 0);
    });
  });
}

/** Settings for another deployment in our own environment are none for this server. */
function serverEnvironment(env: NodeJS.ProcessEnv, paths: UpPaths, url: string): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(
    ([name]) => !name.startsWith("CODER_") || name === "CODER_CACHE_DIRECTORY",
  );
  return {
    ...Object.fromEntries(own),
    CODER_CONFIG_DIR: paths.config,
    CODER_ACCESS_URL: url,
    CODER_LOGGING_HUMAN: "/dev/stderr",
    // Only this server, on this machine's loopback interface, may run workspaces with its own account.
    CODER_ALLOW_LOCAL_TEMPLATE: "true",
  };
}

/** What `coder server` prints once it listens. */
const listenerLine = (url: string) => `Started HTTP listener at ${url}\n`;

/** What it ends with when it cannot. */
const portTakenText = "another program listens there";

async function untilAnswered(
  cli: Cli,
  paths: UpPaths,
  url: string,
  server: string,
  hasPort: () => Promise<boolean> = async () => true,
): Promise<void> {
  const deadlineMs = performance.now() + startMs;
  for (;;) {
    cli.signal.throwIfAborted();
    const isWell = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(answerMs) }).then(
      (res) => res.ok,
      () => false, // Not yet.
    );
    if (isWell && isRunning(server) && (await hasPort())) return;
    if (!isRunning(server) || performance.now() > deadlineMs) {
      throw new CliError(
        isRunning(server) ? `The server does not answer at ${url}.` : "The server ended while it started.",
        { hint: `Its last words, from ${paths.serverLog}:\n${await lastLines(paths.serverLog)}` },
      );
    }
    await sleep(pollMs, undefined, { signal: cli.signal }).catch(() => {
      throw cli.signal.reason;
    });
  }
}

/** The port that was used before, if it is free, else the first free one from 3000 on. */
async function choosePort(before: number | undefined, hosts: readonly string[]): Promise<number> {
  const candidates = [
    ...(before ? [before] : []),
    ...Array.from({ length: lastPort - firstPort + 1 }, (_, i) => firstPort + i),
  ];
  for (const port of candidates) {
    const free = await Promise.all(hosts.map((host) => isFree(host, port)));
    if (free.every(Boolean)) return port;
  }
  throw new CliError(`No port from ${firstPort} to ${lastPort} is free on ${hosts.join(" and ")}.`, {
    hint: "End some of the programs that listen there, and try again.",
  });
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

async function rotateLog(path: string): Promise<void> {
  if ((await sizeOf(path)) > maxLogBytes) await rename(path, `${path}.1`);
}

function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0, // There is none yet.
  );
}

async function textFrom(path: string, offset: number): Promise<string> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  return bytes.subarray(offset).toString();
}

async function lastLines(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text
    .trimEnd()
    .split("\n")
    .slice(-shownLogLines)
    .map((line) => `    ${line}`)
    .join("\n");
}
