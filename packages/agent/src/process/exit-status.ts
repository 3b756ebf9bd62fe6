import { constants } from "node:os";

/** How a process ended: by its own code, or by a signal. */
export type ExitStatus = { code: number; signal?: undefined } | { code?: undefined; signal: string };

export function exitStatus(code: number | null, signal: string | null): ExitStatus {
  if (signal !== null) return { signal };
  return { code: code ?? 1 };
}

/** `INT` or `SIGINT`, as SSH and people write it, to Node's name; undefined when there is no such signal. */
export function signalName(name: string): NodeJS.Signals | undefined {
  const full = name.startsWith("SIG") ? name : `SIG${name}`;
  return full in constants.signals ? (full as NodeJS.Signals) : undefined; // checked by the line itself
}

export function signalOfNumber(number: number): string {
  for (const [name, value] of Object.entries(constants.signals)) if (value === number) return name;
  return `SIG${number}`;
}

/** Signals the whole process group, so that what a shell started ends with it. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: everything of that group has ended already.
  }
}
