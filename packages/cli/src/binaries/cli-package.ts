import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { TarInput } from "@slipway/template";
import { slipwayVersion } from "../build-info.ts";
import { withoutNativeModules, withoutServer } from "./executable-bundle.ts";
import { packStarterTemplates, starterTemplatesName } from "./pack-starter-templates.ts";
import { sourceRoot } from "./source-root.ts";
import { splitBundle } from "./split-bundle.ts";

/** The CLI as an npm package, for platforms without an executable of ours: `npm install -g URL/bin/coder-cli.tgz`. */
export async function cliPackageFiles(): Promise<TarInput[]> {
  const files = await splitBundle({
    entryPoints: [join(sourceRoot, "packages/cli/src/main.ts")],
    minify: true,
    target: "node22",
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
    ...files.map(
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
