import { basename } from "node:path";

const BLOCKED = new Set(["nc", "rsync", "scp", "sftp"]);

export const BLOCKED_MESSAGE = "File transfer has been disabled.";

/** Whether a command is one of those that move files. A speed bump: whoever may run commands can move files. */
export function isFileTransfer(command: string): boolean {
  const words = command.trim().split(/\s+/);
  return BLOCKED.has(basename(words[0] ?? ""));
}
