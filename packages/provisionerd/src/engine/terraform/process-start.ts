import { readFile } from "node:fs/promises";

/**
 * When a process started, in the kernel's own count: with the pid it names a process for good. "dead" for one
 * that has ended. Without /proc only "alive" or "dead".
 */
export async function processStart(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "dead" : (fields[19] ?? "alive");
  } catch {
    if (process.platform === "linux") return "dead";
  }
  try {
    process.kill(pid, 0);
    return "alive";
  } catch {
    return "dead";
  }
}
