import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import { z } from "zod";
import { BinaryFile, checksumOf, keepInUse } from "./binary-file.ts";
import { binaryMadeBefore } from "./binary-made-before.ts";
import { cliPackageName, executableTargets, librariesName } from "./executable-targets.ts";
import { shippedBinary } from "./shipped-binary.ts";
import { sourceStamp } from "./source-stamp.ts";

export type { BinaryFile } from "./binary-file.ts";

/** What `/bin/` serves: executables for workspaces and clients, made on demand. */
export type BinarySource = {
  /** The file of that name; the first request for it waits until it is made. `notFound` is a text for people. */
  get(name: string, signal?: AbortSignal): Promise<BinaryFile | { notFound: string }>;
  /** Starts making what workspaces on this machine's kind of processor need. */
  warm(): void;
  /** Stops what is being made. */
  close(): Promise<void>;
};

export type BinarySourceOptions = {
  /** Keeps what was made, about 220 MB per platform. */
  cacheDir: string;
  log: Pick<Logger, "info" | "warn">;
  /** Where clients reach this server, for the commands that `notFound` names. */
  accessUrl?: string;
};

const buildTimeoutMs = 600_000;
/** One that was made before is found by then. */
const foundWithinMs = 5_000;
const failureLifetimeMs = 60_000;
const checksumSuffix = ".sha256";

const BuildResult = z.union([BinaryFile, z.object({ notFound: z.string() })]);
type BuildResult = z.infer<typeof BuildResult>;

/**
 * @example
 * const binaries = createBinarySource({ cacheDir: "/var/cache/slipway/binaries", log });
 * binaries.warm();
 * const file = await binaries.get("coder-linux-amd64");
 */
export function createBinarySource({ cacheDir, log, accessUrl }: BinarySourceOptions): BinarySource {
  const made = new Map<string, Promise<BuildResult>>();
  const closing = new AbortController();
  const haste = createHaste();
  /** One at a time: each takes a processor and most of a gigabyte. */
  let queue: Promise<unknown> = Promise.resolve();

  async function get(name: string, signal?: AbortSignal): Promise<BuildResult> {
    const wanted = name.endsWith(checksumSuffix) ? name.slice(0, -checksumSuffix.length) : name;
    if (!names.has(wanted)) return { notFound: otherPlatform(wanted, accessUrl ?? "<access-url>") };
    const done = haste.wanted();
    const result = await unlessAborted(make(wanted), signal).finally(done);
    if ("notFound" in result) return result;
    // Somebody emptied the cache under us.
    if (!existsSync(result.path)) {
      made.delete(wanted);
      return get(name, signal);
    }
    await keepInUse(result);
    return wanted === name ? result : checksumOf(result);
  }

  function make(name: string): Promise<BuildResult> {
    const known = made.get(name);
    if (known !== undefined) return known;
    const result = queue.then(() => build(name));
    made.set(name, result);
    queue = result.catch(() => {});
    const forgetSoon = (): void => {
      setTimeout(() => made.get(name) === result && made.delete(name), failureLifetimeMs).unref();
    };
    result.then((built) => "notFound" in built && forgetSoon(), forgetSoon);
    return result;
  }

  async function build(name: string): Promise<BuildResult> {
    const present =
      (await shippedBinary(name)) ?? (await binaryMadeBefore(cacheDir, name, await sourceStamp()));
    if (present !== null) return present;
    const startedAt = performance.now();
    const args = [
      "--disable-warning=ExperimentalWarning",
      join(import.meta.dirname, "build-binary.ts"),
      name,
      cacheDir,
    ];
    const slow = setTimeout(() => {
      log.info(
        { name },
        "making an executable, once for each version: workspaces that start now wait for it",
      );
    }, foundWithinMs);
    const stdout = await runBuild(args, closing.signal, haste).finally(() => clearTimeout(slow));
    const result = BuildResult.parse(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? ""));
    const durationMs = Math.round(performance.now() - startedAt);
    if ("notFound" in result) log.warn({ name }, result.notFound);
    else log.info({ name, durationMs, sizeBytes: result.sizeBytes }, "executable for workspaces is ready");
    return result;
  }

  return {
    get,
    warm() {
      const target = executableTargets.find(
        ({ os, npmArch }) => os === process.platform && npmArch === process.arch,
      );
      if (target === undefined) return;
      for (const name of [target.name, librariesName(target)]) {
        make(name).catch((err: unknown) => {
          if (!closing.signal.aborted) log.warn({ name, err }, "executable for workspaces could not be made");
        });
      }
    },
    async close() {
      closing.abort(new Error("The server is stopping."));
      await queue;
    },
  };
}

const names = new Set([
  cliPackageName,
  ...executableTargets.flatMap((target) => [target.name, librariesName(target)]),
]);

function otherPlatform(name: string, accessUrl: string): string {
  const command = `npm install -g ${accessUrl}/bin/${cliPackageName}`;
  if (/^coder-(darwin|windows)-/.test(name)) {
    return `There is no executable for this platform. With Node.js 22 or newer, install the command line by: ${command}`;
  }
  return `There is no file of this name. There are ${[...names].join(", ")}.`;
}

/** Whether somebody waits for what is being made; what nobody waits for yet lets people's requests go first. */
function createHaste() {
  let waiting = 0;
  let pid: number | undefined;
  const apply = () => {
    if (pid === undefined) return;
    const { PRIORITY_LOW, PRIORITY_NORMAL } = constants.priority;
    try {
      setPriority(pid, waiting === 0 ? PRIORITY_LOW : PRIORITY_NORMAL);
    } catch {
      // Only root may raise what was low; or it has ended.
    }
  };
  return {
    /** Call what it returns when the wait is over. */
    wanted() {
      waiting++;
      if (waiting === 1) apply();
      return () => {
        waiting--;
      };
    },
    started(child: number | undefined) {
      pid = child;
      if (waiting === 0) apply();
    },
    ended() {
      pid = undefined;
    },
  };
}

type Haste = ReturnType<typeof createHaste>;

function runBuild(args: string[], signal: AbortSignal, haste: Haste): Promise<string> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // npm may run: it gets none of the server's secrets.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith("CODER_")),
    );
    const options = { env, signal, timeout: buildTimeoutMs, maxBuffer: 1024 * 1024 };
    const child = execFile(process.execPath, args, options, (error, stdout, stderr) => {
      haste.ended();
      if (error === null) resolve(stdout);
      else
        reject(new Error(stderr.trim().split("\n").slice(-5).join("\n") || error.message, { cause: error }));
    });
    haste.started(child.pid);
  });
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
