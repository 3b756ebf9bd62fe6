import { execFileSync } from "node:child_process";

/** Runs a program that must succeed. */
export function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
}
