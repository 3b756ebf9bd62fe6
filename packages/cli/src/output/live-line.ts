import { stripVTControlCharacters } from "node:util";
import { textWidth } from "./text-width.ts";

/** The last line of a terminal, redrawn with a spinner while lines scroll by above it; nothing elsewhere. */
export type LiveLine = {
  readonly isLive: boolean;
  /** Sets the text beside the spinner; undefined hides the line. */
  show(text: string | undefined): void;
  /** Writes a line above the live one. */
  print(line: string): void;
  /** Takes the live line away. */
  close(): void;
};

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;
const clearLine = "\r\u001b[2K";

export function openLiveLine(
  stream: { isTTY?: boolean; columns?: number; write(text: string): unknown },
  env: NodeJS.ProcessEnv,
): LiveLine {
  const isLive = Boolean(stream.isTTY) && env.TERM !== "dumb";
  let text: string | undefined;
  let frame = 0;
  let timer: NodeJS.Timeout | undefined;

  function draw(): void {
    if (!isLive || text === undefined) return;
    // Serial consoles and scripts that play terminals tell no width: 0.
    stream.write(`${clearLine}${fit(`${frames[frame % frames.length]} ${text}`, stream.columns || 80)}`);
  }

  return {
    isLive,
    show(next) {
      text = next;
      if (!isLive) return;
      if (next === undefined) {
        clearInterval(timer);
        timer = undefined;
        stream.write(clearLine);
        return;
      }
      timer ??= setInterval(() => {
        frame++;
        draw();
      }, frameMs).unref();
      draw();
    },
    print(line) {
      stream.write(isLive && text !== undefined ? `${clearLine}${line}\n` : `${line}\n`);
      draw();
    },
    close() {
      if (text === undefined) return;
      clearInterval(timer);
      timer = undefined;
      text = undefined;
      if (isLive) stream.write(clearLine);
    },
  };
}

// A line that wraps could not be redrawn in place. Colours are dropped with the end of the text.
function fit(text: string, columns: number): string {
  if (textWidth(text) < columns) return text;
  const plain = [...stripVTControlCharacters(text)];
  while (plain.length > 0 && textWidth(plain.join("")) >= columns - 1) plain.pop();
  return `${plain.join("")}…`;
}
