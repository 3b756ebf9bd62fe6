import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { sourceRoot } from "./source-root.ts";
import { splitBundle } from "./split-bundle.ts";

/** What runs in threads. */
const worker = "evaluation-worker";

/**
 * Writes the whole program, the server included, to a directory that must not exist yet: two hundred files instead of
 * the two thousand that the sources and their dependencies are, so that it starts in half the time. `main.mjs` runs it.
 *
 * It is made for the place where its sources are, below whose node_modules the directory lies: what they read beside
 * themselves (migrations, starter templates, packages with native modules) it reads there too.
 */
export async function bundleProgram(outdir: string): Promise<void> {
  const files = await splitBundle({
    entryPoints: [
      join(sourceRoot, "packages/cli/src/main.ts"),
      join(sourceRoot, `packages/template/src/hcl/module/${worker}.ts`),
    ],
    target: "node24",
    // They have native modules or other files beside them.
    external: ["@cdktn/hcl2json", "@node-rs/argon2", "@lydell/node-pty*", "esbuild", "postject", "ssh2"],
    plugins: [placesOfSources],
  });
  // Whole or not at all; not by mkdtemp, which makes it for its owner alone: in images another user runs the program.
  const work = `${outdir}.${process.pid}`;
  await mkdir(work, { recursive: true });
  try {
    await Promise.all(files.map(({ path, contents }) => writeFile(join(work, basename(path)), contents)));
    await rename(work, outdir);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    throw error;
  }
}

/** A module that asks for its own place gets that of its source; the thread that evaluates templates lies in the bundle. */
const placesOfSources: Plugin = {
  name: "places-of-sources",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      if (!source.includes("import.meta")) return null;
      const contents = source
        .replaceAll(`"./${worker}.ts", import.meta.url`, `"./${worker}.mjs", import.meta["url"]`)
        .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href))
        .replaceAll("import.meta.dirname", JSON.stringify(dirname(path)));
      return { contents, loader: "ts" };
    });
  },
};
