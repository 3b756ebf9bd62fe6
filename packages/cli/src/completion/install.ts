import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { makeDirectory } from "../make-directory.ts";
import { linkTarget, replaceFile } from "../replace-file.ts";
import { completionScript, type Shell, shells } from "./shell-scripts.ts";

const begin = "# ============ BEGIN coder COMPLETION ==============";
const end = "# ============ END coder COMPLETION ==============";

/** The shell of this session, as far as its environment tells. */
export function currentShell(env: NodeJS.ProcessEnv): Shell | undefined {
  if (env.SHELL === undefined && process.platform === "win32") return "powershell";
  const name = basename(env.SHELL ?? "");
  return shells.find((shell) => shell === name) ?? (name === "pwsh" ? "powershell" : undefined);
}

/** The file in which a shell finds its completions. */
export function completionFile(shell: Shell, env: NodeJS.ProcessEnv): string {
  const home = env.HOME || homedir();
  const config = env.XDG_CONFIG_HOME || join(home, ".config");
  switch (shell) {
    case "bash":
      return join(home, ".bash_completion");
    case "zsh":
      return join(env.ZDOTDIR || home, ".zshrc");
    case "fish":
      return join(config, "fish", "completions", "coder.fish");
    case "powershell":
      return process.platform === "win32"
        ? join(home, "Documents", "PowerShell", "Microsoft.PowerShell_profile.ps1")
        : join(config, "powershell", "Microsoft.PowerShell_profile.ps1");
  }
}

/** Writes the script into the shell's file; what else is in there stays, and an older copy is replaced. */
export async function installCompletion(shell: Shell, env: NodeJS.ProcessEnv): Promise<string> {
  const file = completionFile(shell, env);
  await makeDirectory(dirname(file), { hint: "Print the script instead, with --print." });
  const target = await linkTarget(file);
  // Byte by byte: what stands there need not be UTF-8.
  const present = await readFile(target, "latin1").catch((err: NodeJS.ErrnoException) => {
    if (err.code === "ENOENT") return "";
    throw err;
  });
  const script = Buffer.from(completionScript(shell)).toString("latin1");
  await replaceFile(target, withBlock(present, script), { encoding: "latin1", newMode: 0o644 });
  return file;
}

/** Puts a script between our markers: in place of the one that is there, else at the end. */
export function withBlock(content: string, script: string): string {
  const block = `${begin}\n${script}${end}\n`;
  const from = content.indexOf(begin);
  const to = content.indexOf(end, from);
  if (from < 0 || to < 0)
    return content === "" || content.endsWith("\n") ? content + block : `${content}\n${block}`;
  const rest = content.slice(to + end.length).replace(/^\r?\n/, "");
  return content.slice(0, from) + block + rest;
}
