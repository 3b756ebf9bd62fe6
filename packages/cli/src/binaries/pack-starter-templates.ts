import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { type TarInput, writeTar } from "@slipway/template";
import { sourceRoot } from "./source-root.ts";

/** What the archive is called where a program has it with it: among the assets, or beside the program's files. */
export const starterTemplatesName = "starter-templates.tar";

/** All of `examples/` as a tar, with a directory for each template. */
export async function packStarterTemplates(): Promise<Buffer> {
  const directory = join(sourceRoot, "examples");
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const inputs = files.map(async (path): Promise<TarInput> => {
    const [data, { mode }] = await Promise.all([readFile(path), stat(path)]);
    return { path: relative(directory, path), type: "file", data, mode: mode & 0o111 ? 0o755 : 0o644 };
  });
  return writeTar(await Promise.all(inputs));
}
