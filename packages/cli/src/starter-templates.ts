import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { getRawAsset, isSea } from "node:sea";
import { packStarterTemplates, starterTemplatesName } from "./binaries/pack-starter-templates.ts";
import { CliError } from "./cli-error.ts";
import { makeDirectory } from "./make-directory.ts";

export type StarterTemplate = { id: string; name: string; description: string };

/** The templates of `examples/`: no server is needed to begin with one. */
export async function starterTemplates(): Promise<StarterTemplate[]> {
  const { parseReadmeFrontMatter, readTarFiles } = await import("@slipway/template");
  const readmes = await readTarFiles(await archive(), ({ path }) => /^[^/]+\/README\.md$/.test(path));
  return Array.from(readmes, ([path, text]) => {
    const id = dirname(path);
    const readme = parseReadmeFrontMatter(text.toString("utf8"));
    return { id, name: readme.displayName ?? id, description: readme.description ?? "" };
  });
}

/** Writes a starter template into a directory that is new or empty. */
export async function copyStarterTemplate(id: string, target: string): Promise<void> {
  const { listTar, readTarFiles } = await import("@slipway/template");
  await makeDirectory(target, { hint: "Name another directory for the template." });
  if ((await readdir(target)).length > 0) {
    throw new CliError(`${target} is not empty.`, { hint: "Name another directory for the template." });
  }
  const tar = await archive();
  const modes = new Map((await listTar(tar)).map(({ path, mode }) => [path, mode]));
  for (const [path, data] of await readTarFiles(tar, (entry) => entry.path.startsWith(`${id}/`))) {
    const file = join(target, path.slice(id.length + 1));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, data, { mode: modes.get(path) ?? 0o644 });
  }
}

/** Executables have it as an asset, the npm package as a file beside its program, a clone packs it. */
async function archive(): Promise<Uint8Array> {
  if (isSea()) return new Uint8Array(getRawAsset(starterTemplatesName));
  const packed = join(import.meta.dirname, starterTemplatesName);
  return existsSync(packed) ? readFile(packed) : packStarterTemplates();
}
