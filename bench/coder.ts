import { spawn } from "node:child_process";
import { join } from "node:path";
import { cleanEnvironment, type Finished, finished } from "../test/harness/coder-process.ts";

export const root = join(import.meta.dirname, "..");
/** What people type. */
export const launcher = join(root, "coder");

export type Timed = { ms: number; stdout: string };

/** Runs a program, which must succeed, from its start to its end. */
export async function time(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
  cwd?: string,
): Promise<Timed> {
  const startedAt = performance.now();
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...cleanEnvironment(), ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const ended: Finished = await finished(child, undefined, 3_600_000);
  const ms = performance.now() - startedAt;
  if (ended.code !== 0) {
    throw new Error(
      `${program} ${args.join(" ")} ended with ${ended.code ?? ended.signal}:\n${ended.stderr}`,
    );
  }
  return { ms, stdout: ended.stdout };
}
