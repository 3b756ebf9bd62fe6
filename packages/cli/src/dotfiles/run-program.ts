import { spawn } from "node:child_process";
import { constants } from "node:os";
import { CliError } from "../cli-error.ts";

/** Runs a program on our terminal and resolves with its exit status. No shell reads the arguments. */
export function runProgram(
  argv: readonly string[],
  options: { cwd?: string; signal: AbortSignal },
): Promise<number> {
  const [file = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      // Results go to stdout, and there are none here.
      stdio: ["inherit", process.stderr, process.stderr],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const onAbort = () => child.kill("SIGTERM");
    options.signal.addEventListener("abort", onAbort, { once: true });
    child.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "ENOENT"
          ? new CliError(`There is no "${file}" program here.`, { hint: `Install ${file} and try again.` })
          : error,
      );
    });
    child.once("exit", (code, signal) => {
      options.signal.removeEventListener("abort", onAbort);
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}
