import { StringDecoder } from "node:string_decoder";

const MAX_LINE_LENGTH = 16 * 1024;

/**
 * Cuts output into lines as it arrives. Longer lines are cut too, so that a program which never ends a line fills no
 * memory, and NUL characters, which databases refuse in text, are replaced.
 */
export function createLineSplitter(onLine: (line: string) => void): {
  push(chunk: Buffer): void;
  end(): void;
} {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const emit = (line: string) => {
    const clean = line.endsWith("\r") ? line.slice(0, -1) : line;
    onLine(clean.includes("\0") ? clean.replaceAll("\0", "\uFFFD") : clean);
  };
  const take = (text: string) => {
    let from = 0;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", from)) {
      emit(rest + text.slice(from, at));
      rest = "";
      from = at + 1;
    }
    rest += text.slice(from);
    while (rest.length > MAX_LINE_LENGTH) {
      emit(rest.slice(0, MAX_LINE_LENGTH));
      rest = rest.slice(MAX_LINE_LENGTH);
    }
  };
  return {
    push: (chunk) => take(decoder.write(chunk)),
    end() {
      take(decoder.end());
      if (rest !== "") emit(rest);
      rest = "";
    },
  };
}
