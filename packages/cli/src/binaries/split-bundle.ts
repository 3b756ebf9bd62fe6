import { type BuildOptions, build, type OutputFile } from "esbuild";

/**
 * Bundles a program for Node as ES modules, split by what is loaded on demand, so that each command loads what it needs.
 * All files are for one directory, where they go by the last part of their paths.
 */
export async function splitBundle(
  options: Pick<BuildOptions, "entryPoints" | "external" | "minify" | "plugins" | "target">,
): Promise<OutputFile[]> {
  const { outputFiles } = await build({
    ...options,
    bundle: true,
    splitting: true,
    write: false,
    outdir: "dist",
    entryNames: "[name]",
    outExtension: { ".js": ".mjs" },
    platform: "node",
    format: "esm",
    // Names of classes and functions stand in errors and logs.
    keepNames: true,
    legalComments: "none",
    logLevel: "silent",
    // CommonJS dependencies call `require`, which an ES module does not have.
    banner: {
      js: 'import{createRequire as slipwayRequire}from"node:module";const require=slipwayRequire(import.meta.url);',
    },
  });
  return outputFiles;
}
