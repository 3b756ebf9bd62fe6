import { spawnSync } from "node:child_process";
import type { ReadStream, WriteStream } from "node:tty";

export type TerminalSize = { rows: number; cols: number };

/** A terminal whose keys and bytes pass through untouched. `restore` may be called again. */
export type RawTerminal = {
  size(): TerminalSize;
  onResize(listener: (size: TerminalSize) => void): void;
  restore(): void;
};

export function openRawTerminal(stdin: ReadStream, stdout: WriteStream): RawTerminal {
  const size = () => ({ rows: stdout.rows || 24, cols: stdout.columns || 80 });
  const listeners: (() => void)[] = [];
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    // Node's raw mode still turns line feeds into new lines, which programs on full screens use to move down.
    // Where there is no stty it stays so.
    if (process.platform !== "win32")
      spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  }
  let isOpen = true;
  return {
    size,
    onResize(listener) {
      const onResize = () => listener(size());
      stdout.on("resize", onResize);
      listeners.push(onResize);
    },
    restore() {
      if (!isOpen) return;
      isOpen = false;
      for (const listener of listeners) stdout.off("resize", listener);
      if (stdin.isTTY) stdin.setRawMode(false);
    },
  };
}
