import { createHash, randomUUID } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

export type CliConfig = {
  mirrors: readonly string[];
  /** Set: providers may come from a registry too, each once, into this directory. */
  pluginCacheDir?: string;
};

/** The daemon's own CLI configuration: it never relies on the machine's (engine.md §2). */
export function cliConfigText({ mirrors, pluginCacheDir }: CliConfig): string {
  const lines = ["disable_checkpoint = true"];
  if (pluginCacheDir !== undefined) lines.push(`plugin_cache_dir = ${quote(pluginCacheDir)}`);
  lines.push("provider_installation {");
  for (const mirror of mirrors) lines.push(`  filesystem_mirror { path = ${quote(mirror)} }`);
  if (pluginCacheDir !== undefined) lines.push("  direct {}");
  lines.push("}", "");
  return lines.join("\n");
}

/** Writes it under a name made from its content: daemons with other mirrors may share the directory. */
export async function writeCliConfig(dir: string, config: CliConfig): Promise<string> {
  const text = cliConfigText(config);
  const file = join(dir, `${createHash("sha256").update(text).digest("hex").slice(0, 16)}.tfrc`);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const partial = `${file}.${randomUUID()}.part`;
  await writeFile(partial, text, { mode: 0o600 });
  await rename(partial, file);
  return file;
}

// A JSON string is an HCL string once the template markers are doubled.
const quote = (text: string) => JSON.stringify(text).replaceAll("${", "$${").replaceAll("%{", "%%{");
