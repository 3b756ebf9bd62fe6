import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
/** In a test run the bundled program, as container images run it: of the sources, each start takes twice the time. */
const main = process.env.SLIPWAY_TEST_PROGRAM ?? join(root, "packages/cli/src/main.ts");
const keptOutput = 4 * 1024 * 1024;

/** What the launcher gives the program: where compiled modules are kept, which halves the time of most commands. */
export const launcherEnv = {
  NODE_COMPILE_CACHE: join(root, "node_modules/.slipway/cache"),
  SLIPWAY_OWN_CACHE: "1",
};

/** The program as a child, as the launcher starts it, and with none of our own deployment's variables. */
export function spawnCoder(
  args: readonly string[],
  env: Record<string, string>,
  {
    prefix = [],
    ...options
  }: Pick<SpawnOptions, "stdio" | "detached" | "cwd"> & {
    /** Words that start the command, such as `ip netns exec NAME`. */
    prefix?: readonly string[];
  } = {},
): ChildProcess {
  const [program = process.execPath, ...words] = [
    ...prefix,
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    main,
    ...args,
  ];
  return spawn(program, words, {
    ...options,
    env: { ...cleanEnvironment(), ...launcherEnv, ...env },
  });
}

/** The command with which other programs, such as ssh, start ours. Its words need no quoting for a shell. */
export const coderCommand = [
  "env",
  ...Object.entries(launcherEnv).map(([name, value]) => `${name}=${value}`),
  process.execPath,
  "--disable-warning=ExperimentalWarning",
  main,
];

export function cleanEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(CODER_|SLIPWAY_|NODE_|VITEST|GIT_)/.test(name)) env[name] = value;
  }
  return env;
}

export type Output = { text(): string };

/** Keeps the last of what a child prints. */
export function keepOutput(...streams: (NodeJS.ReadableStream | null)[]): Output {
  let text = "";
  for (const stream of streams) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-keptOutput);
    });
  }
  return { text: () => text };
}

export type Finished = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string };

/** Less than a test may take, so that what hangs is named. */
const mostMs = 170_000;

/** Runs one program to its end. One that does not come to it is killed, and told with its last words. */
export function finished(
  child: ChildProcess,
  input?: string | Uint8Array,
  endMs = mostMs,
): Promise<Finished> {
  const stdout = keepOutput(child.stdout);
  const stderr = keepOutput(child.stderr);
  child.stdin?.on("error", () => {}); // A program may end without reading all of its input.
  child.stdin?.end(input ?? "");
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill("SIGKILL");
      const said = [stdout, stderr].map((output) => output.text().slice(-2_000)).join("\n");
      reject(new Error(`${child.spawnargs.join(" ")} has not ended within ${endMs / 1000} s:\n${said}`));
    }, endMs);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(late);
      resolve({ code, signal, stdout: stdout.text(), stderr: stderr.text() });
    });
  });
}
