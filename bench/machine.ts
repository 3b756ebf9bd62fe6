import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { root } from "./coder.ts";

/** What a reader needs to know of the machine to compare results. */
export function describeMachine(): string[] {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const gib = (totalmem() / 1024 ** 3).toFixed(0);
  const terraform = firstLine("terraform", "version") ?? firstLine("tofu", "version") ?? "no Terraform";
  return [
    `${cpus().length} cores (${model}), ${gib} GiB, ${type()} ${release()}`,
    `Node ${process.version}, ${terraform}`,
    `load of the last minute before the run: ${(loadavg()[0] ?? 0).toFixed(2)}`,
    `commit ${firstLine("git", "-C", root, "rev-parse", "--short", "HEAD") ?? "unknown"}`,
  ];
}

function firstLine(program: string, ...args: string[]): string | null {
  try {
    const output = execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return output.split("\n")[0]?.trim() ?? null;
  } catch {
    return null;
  }
}
