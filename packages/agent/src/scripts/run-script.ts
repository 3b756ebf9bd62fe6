import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Clock } from "../clock.ts";
import { makeDirectory } from "../environment/make-directory.ts";
import { errorText } from "../log/log.ts";
import { createLineSplitter } from "../logs/line-splitter.ts";
import type { ExitStatus } from "../process/exit-status.ts";
import { type RunningProcess, startProcess } from "../process/start-process.ts";
import { shebangOf } from "./interpreter.ts";
import { openScriptLogFile } from "./script-log-file.ts";

export const GRACE_MS = 10_000;
/** Linux refuses longer arguments. */
const MAX_ARGUMENT_BYTES = 120_000;

export type ScriptStatus = "ok" | "exit_failure" | "timed_out" | "pipes_left_open";
export type ScriptResult = { exitCode: number; status: ScriptStatus; startedAt: Date; endedAt: Date };

export type ScriptRun = {
  script: string;
  shell: string;
  cwd: string;
  env: Record<string, string>;
  timeoutMs: number;
  logPath: string;
  /** Where a script that is not for the login shell is written for its interpreter. */
  dataDir: string | undefined;
  onLine: (level: "info" | "warn" | "error", line: string) => void;
  clock: Clock;
  /** Ends the script as a timeout does. */
  signal: AbortSignal;
  graceMs?: number;
};

/** Runs one script to its end. Never rejects: what goes wrong is in the result and in the script's own log. */
export async function runScript(run: ScriptRun): Promise<ScriptResult> {
  const startedAt = run.clock.now();
  const graceMs = run.graceMs ?? GRACE_MS;
  const file = openScriptLogFile(run.logPath, (text) => run.onLine("warn", text));
  const finish = async (exitCode: number, status: ScriptStatus) => {
    await file.close();
    return { exitCode, status, startedAt, endedAt: run.clock.now() };
  };

  let child: RunningProcess;
  try {
    child = await startProcess({ argv: scriptArgv(run), cwd: run.cwd, env: run.env, stdin: "none" });
  } catch (error) {
    run.onLine("error", `The script could not be started: ${errorText(error)}`);
    return finish(127, "exit_failure");
  }
  const closed = Promise.all([
    follow(child.stdout, "info", file, run.onLine),
    follow(child.stderr, "error", file, run.onLine),
  ]);
  let timedOut = false;
  const killers: NodeJS.Timeout[] = [];
  const interrupt = () => {
    child.signal("SIGINT");
    killers.push(setTimeout(() => child.signal("SIGKILL"), graceMs));
  };
  if (run.timeoutMs > 0) {
    killers.push(
      setTimeout(() => {
        timedOut = true;
        run.onLine(
          "error",
          `The script exceeded its timeout of ${run.timeoutMs / 1000} s and is interrupted.`,
        );
        interrupt();
      }, run.timeoutMs),
    );
  }
  run.signal.addEventListener("abort", interrupt, { once: true });
  if (run.signal.aborted) interrupt();
  const exit = await child.exit;
  run.signal.removeEventListener("abort", interrupt);
  for (const timer of killers) clearTimeout(timer);

  const leftOpen = await stillOpenAfter(closed, graceMs);
  if (leftOpen) {
    run.onLine(
      "warn",
      "The script has ended, but a process that it started still holds its output. Start it with its output redirected, for instance: nohup COMMAND >/tmp/log 2>&1 &",
    );
    child.stdout.destroy();
    child.stderr.destroy();
    await closed;
  }
  const exitCode = codeOf(exit);
  if (timedOut) return finish(exitCode, "timed_out");
  if (exitCode !== 0) {
    run.onLine(
      "error",
      exit.signal ? `The script was ended by ${exit.signal}.` : `The script exited with status ${exitCode}.`,
    );
    return finish(exitCode, "exit_failure");
  }
  return finish(0, leftOpen ? "pipes_left_open" : "ok");
}

function codeOf(exit: ExitStatus): number {
  return exit.code ?? 255;
}

/** The login shell with `-c`, or the interpreter of a leading `#!` with the script as a file. */
function scriptArgv(run: ScriptRun): string[] {
  const interpreter = shebangOf(run.script);
  if (interpreter === undefined && Buffer.byteLength(run.script) < MAX_ARGUMENT_BYTES) {
    return [run.shell, "-c", run.script];
  }
  const runner = interpreter ?? [run.shell];
  try {
    if (run.dataDir === undefined) throw new Error("no directory for scripts");
    makeDirectory(run.dataDir, 0o700);
    const path = join(run.dataDir, "script");
    writeFileSync(path, interpreter === undefined ? run.script : run.script.trimStart(), { mode: 0o700 });
    return [...runner, path];
  } catch {
    // A full disk: shells, Python and Ruby take a script as an argument too.
    return [...runner, "-c", run.script];
  }
}

async function follow(
  source: Readable,
  level: "info" | "error",
  file: { write(chunk: Buffer): boolean; drained(): Promise<void> },
  onLine: (level: "info" | "error", line: string) => void,
): Promise<void> {
  const lines = createLineSplitter((line) => onLine(level, line));
  source.on("data", (chunk: Buffer) => {
    lines.push(chunk);
    if (file.write(chunk)) return;
    source.pause();
    void file.drained().then(() => source.resume());
  });
  await new Promise<void>((resolve) => source.once("close", resolve));
  lines.end();
}

async function stillOpenAfter(closed: Promise<unknown>, graceMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), graceMs);
  });
  const result = await Promise.race([closed.then(() => false), late]);
  clearTimeout(timer);
  return result;
}
