import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { isSea } from "node:sea";

/**
 * How to start this very program again, as argv: the single executable, the executable behind the loader that
 * images without glibc need (`process.execPath` is the loader there), or Node with the sources.
 */
export function agentCommandSelf(): string[] {
  if (!isSea()) {
    const main = process.argv[1];
    return [process.execPath, ...process.execArgv, ...(main === undefined ? [] : [resolve(main)])];
  }
  if (!/^ld(-|\.so)/.test(basename(process.execPath))) return [process.execPath];
  return loaderCommand(readFileSync("/proc/self/cmdline", "utf8").split("\0"));
}

/** `ld.so [--library-path DIR …] PROGRAM args…` up to the program, with absolute paths. */
export function loaderCommand(cmdline: string[]): string[] {
  const withValue = new Set(["--library-path", "--argv0", "--preload", "--audit", "--inhibit-rpath"]);
  const command: string[] = [resolve(cmdline[0] ?? "")];
  for (let index = 1; index < cmdline.length; index++) {
    const word = cmdline[index] ?? "";
    if (withValue.has(word)) {
      const value = cmdline[++index] ?? "";
      command.push(
        word,
        word === "--library-path"
          ? value
              .split(":")
              .map((dir) => resolve(dir))
              .join(":")
          : value,
      );
    } else if (word.startsWith("--")) {
      command.push(word);
    } else {
      command.push(resolve(word));
      return command;
    }
  }
  return command;
}

/** Quoted for a POSIX shell. */
export function shellQuote(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ");
}
