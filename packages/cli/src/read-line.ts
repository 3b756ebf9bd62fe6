import type { Readable } from "node:stream";

const maxBytes = 64 * 1024;

/** The first line that a program pipes in, without waiting for the end of what it writes; undefined when there is none. */
export async function readLine(input: Readable): Promise<string | undefined> {
  let text = "";
  for await (const chunk of input) {
    text += String(chunk);
    if (text.includes("\n") || text.length > maxBytes) break;
  }
  return text.split("\n", 1)[0]?.trim() || undefined;
}
