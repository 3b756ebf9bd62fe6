import { lstatSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorText, type Log } from "../log/log.ts";
import { shellQuote } from "../self-command.ts";
import { makeDirectory } from "./make-directory.ts";

export type PrivateDirectories = {
  scriptDataDir: string | undefined;
  scriptBinDir: string | undefined;
  askpassPath: string | undefined;
};

/**
 * Makes `<base>/coder-script-data/<agent id>` with its `bin`, first in every session's PATH, in which `coder` starts
 * this very program. Several agents and users share a host's temporary directory: a directory that someone else owns
 * is not used. On a full or read-only disk the workspace goes without.
 */
export function makePrivateDirectories(options: {
  base: string;
  agentId: string;
  self: readonly string[];
  log: Log;
}): PrivateDirectories {
  const root = firstOwned(options);
  if (root === undefined)
    return { scriptDataDir: undefined, scriptBinDir: undefined, askpassPath: undefined };
  const bin = join(root, "bin");
  const askpass = join(root, "git-askpass");
  try {
    makeDirectory(bin, 0o700);
    const self = shellQuote(options.self);
    writeFileSync(join(bin, "coder"), `#!/bin/sh\nexec ${self} "$@"\n`, { mode: 0o755 });
    writeFileSync(askpass, `#!/bin/sh\nexec ${self} gitaskpass "$@"\n`, { mode: 0o755 });
    return { scriptDataDir: root, scriptBinDir: bin, askpassPath: askpass };
  } catch (error) {
    options.log.warn({ dir: root, error: errorText(error) }, "the script directory cannot be written");
    return { scriptDataDir: undefined, scriptBinDir: undefined, askpassPath: undefined };
  }
}

function firstOwned({ base, agentId, log }: { base: string; agentId: string; log: Log }): string | undefined {
  const candidates = [
    () => ownedDirectory(join(base, "coder-script-data"), agentId),
    () => mkdtempSync(join(base, "coder-script-data-")),
    () => mkdtempSync(join(tmpdir(), "coder-script-data-")),
  ];
  let last: unknown;
  for (const make of candidates) {
    try {
      return make();
    } catch (error) {
      last = error;
    }
  }
  log.warn(
    { base, error: errorText(last) },
    "no directory for script data can be made; scripts run without one",
  );
  return undefined;
}

function ownedDirectory(parent: string, name: string): string {
  makeDirectory(parent, 0o700);
  const owner = lstatSync(parent);
  if (!owner.isDirectory() || owner.uid !== process.getuid?.())
    throw new Error(`${parent} belongs to someone else.`);
  const dir = join(parent, name);
  makeDirectory(dir, 0o700);
  return dir;
}
