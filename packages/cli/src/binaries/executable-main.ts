// The main module of an executable: starts the program that the command line asks for. Only that one is read.
import { getRawAsset } from "node:sea";
import { Script } from "node:vm";
import { versionText } from "../build-info.ts";

/** Names of assets; each has its code cache beside it, where one could be made. */
export type ProgramName = "agent.cjs" | "cli.cjs";

const argv = process.argv.slice(2);
if (argv.length === 1 && argv[0] === "--version") process.stdout.write(versionText());
// With options before it, the command is found by the program that has them all.
else run(argv[0] === "agent" ? "agent.cjs" : "cli.cjs");

function run(name: ProgramName): void {
  const cachedData = codeCache(name);
  // Bundles are written in ASCII: one byte a character, in memory too.
  const source = Buffer.from(getRawAsset(name)).toString("latin1");
  const script = new Script(source, { filename: name, ...(cachedData ? { cachedData } : {}) });
  script.runInThisContext()(require, { exports: {} });
}

function codeCache(name: ProgramName): Buffer | undefined {
  try {
    return Buffer.from(getRawAsset(`${name}.cache`));
  } catch {
    // Compiled code is good for the kind of processor on which it was compiled.
    return undefined;
  }
}
