import { randomInt } from "node:crypto";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { makeDirectory } from "../../make-directory.ts";

export type SessionLog = { write(text: string): void; close(): void };

/**
 * The log of one connection in the directory of `--log-dir`. Editors find it by the id of the `ssh` process that
 * started us, at the end of its name.
 */
export async function openSessionLog(directory: string | undefined, stdio: boolean): Promise<SessionLog> {
  if (!directory) return { write() {}, close() {} };
  await makeDirectory(directory, { hint: "Choose another with --log-dir." });
  const file = createWriteStream(join(directory, logName(new Date(), stdio ? process.ppid : undefined)), {
    flags: "a",
    mode: 0o600,
  });
  // A full disk must not end the connection that is being logged.
  file.on("error", () => {});
  return {
    write: (text) => void file.write(`${new Date().toISOString()} ${text}\n`),
    close: () => file.end(),
  };
}

/** `coder-ssh-<time>-<nonce>[-<parent pid>].log` (agent-and-apps.md 2.2). */
export function logName(now: Date, parentPid: number | undefined): string {
  const time = now.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  const nonce = Array.from({ length: 5 }, () => String.fromCharCode(97 + randomInt(26))).join("");
  return `coder-ssh-${time}-${nonce}${parentPid === undefined ? "" : `-${parentPid}`}.log`;
}
