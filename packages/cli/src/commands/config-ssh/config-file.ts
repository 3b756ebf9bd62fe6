import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { CliError } from "../../cli-error.ts";
import { makeDirectory, notWritable } from "../../make-directory.ts";
import { linkTarget, replaceFile } from "../../replace-file.ts";

/** A text and how its characters stand in the file. */
export type ConfigText = { text: string; encoding: "utf8" | "latin1" };

/** `~` means what it does in a shell. */
export function expandHome(path: string): string {
  if (path === "~") return homedir();
  return resolve(path.startsWith("~/") ? join(homedir(), path.slice(2)) : path);
}

/** The file's text; empty when there is none. One that is not UTF-8 is read byte by byte, and loses none. */
export async function readConfigFile(path: string): Promise<ConfigText> {
  try {
    const bytes = await readFile(path);
    const text = bytes.toString("utf8");
    if (Buffer.from(text).equals(bytes)) return { text, encoding: "utf8" };
    return { text: bytes.toString("latin1"), encoding: "latin1" };
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "ENOENT") return { text: "", encoding: "utf8" };
    throw new CliError(`${path} cannot be read: ${err instanceof Error ? err.message : String(err)}`, {
      hint: "Choose another file with --ssh-config-file or CODER_SSH_CONFIG_FILE.",
      cause: err,
    });
  }
}

/** What we write is UTF-8, whatever surrounds it: as it looks among the text of such a file. */
export function ownTextIn({ encoding }: ConfigText, own: string): string {
  return Buffer.from(own).toString(encoding);
}

/** The other way round. */
export function ownTextFrom({ encoding }: ConfigText, inFile: string): string {
  return Buffer.from(inFile, encoding).toString("utf8");
}

/**
 * Replaces the file in one step, where links lead, with the mode it had. `read` is what it was made from: people edit
 * the file while they are asked whether to go on.
 */
export async function writeConfigFile(path: string, text: string, read: ConfigText): Promise<void> {
  const now = await readConfigFile(path);
  if (now.text !== read.text || now.encoding !== read.encoding) {
    throw new CliError(`${path} was changed by someone else meanwhile; it was left as it is.`, {
      hint: "Run the command again.",
    });
  }
  const target = await linkTarget(path);
  const hint = "Choose another file with --ssh-config-file or CODER_SSH_CONFIG_FILE.";
  await makeDirectory(dirname(target), { mode: 0o700, hint });
  await replaceFile(target, text, { encoding: read.encoding, newMode: 0o600 }).catch((err: unknown) => {
    throw notWritable(target, err, hint);
  });
}
