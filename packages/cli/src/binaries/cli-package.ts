import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { TarInput } from "@slipway/template";
import { build } from "esbuild";
import { slipwayVersion } from "../build-info.ts";
import { withoutNativeModules, withoutServer } from "./executable-bundle.ts";
import { packStarterTemplates, starterTemplatesName } from "./pack-starter-templates.ts";
import { sourceRoot } from "./source-root.ts";

/**
 * The CLI as an npm package, for platforms without an executable of ours: `npm install -g URL/bin/coder-cli.tgz`.
 * Split by command, so that each loads what it needs.
 */
export async function cliPackageFiles(): Promise<TarInput[]> {
  const result = await build({
    entryPoints: [join(sourceRoot, "packages/cli/src/main.ts")],
    bundle: true,
    splitting: true,
    write: false,
    minify: true,
    keepNames: true,
    platform: "node",
    format: "esm",
    target: "node22",
    outdir: "dist",
    outExtension: { ".js": ".mjs" },
    legalComments: "none",
    logLevel: "silent",
    // CommonJS dependencies call `require`, which an ES module does not have.
    banner: {
      js: 'import{createRequire as slipwayRequire}from"node:module";const require=slipwayRequire(import.meta.url);',
    },
    // The HCL parser is a part of the provisioner daemon, which needs a Linux executable.
    external: ["@cdktn/hcl2json", "@lydell/node-pty-*"],
    plugins: [withoutServer, withoutNativeModules],
  });
  const manifest = {
    name: "coder-cli",
    version: slipwayVersion,
    description: "Command line of Slipway, compatible with Coder",
    license: "Apache-2.0",
    type: "module",
    bin: { coder: "bin/coder.mjs" },
    engines: { node: ">=22" },
  };
  return [
    text("package/package.json", `${JSON.stringify(manifest, null, 2)}\n`),
    text("package/bin/coder.mjs", '#!/usr/bin/env node\nimport "../dist/main.mjs";\n', 0o755),
    {
      path: `package/dist/${starterTemplatesName}`,
      type: "file",
      data: await packStarterTemplates(),
      mode: 0o644,
    },
    { path: "package/LICENSE", type: "file", data: await readFile(join(sourceRoot, "LICENSE")), mode: 0o644 },
    ...result.outputFiles.map(
      (file): TarInput => ({
        path: `package/dist/${basename(file.path)}`,
        type: "file",
        data: file.contents,
        mode: 0o644,
      }),
    ),
  ];
}

function text(path: string, content: string, mode = 0o644): TarInput {
  return { path, type: "file", data: Buffer.from(content), mode };
}
