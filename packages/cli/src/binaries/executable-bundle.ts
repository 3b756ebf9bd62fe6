import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { sourceRoot } from "./source-root.ts";

/**
 * The program as one CommonJS file: `require` in a single executable knows Node's own modules only. It holds the
 * commands, the agent and the provisioner daemon, not the server.
 */
export async function bundleExecutable(): Promise<Uint8Array> {
  const result = await build({
    entryPoints: [join(sourceRoot, "packages/cli/src/main.ts")],
    bundle: true,
    write: false,
    minify: true,
    // Names of classes and functions stand in errors and logs.
    keepNames: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    legalComments: "none",
    logLevel: "silent",
    // Files beside the sources do not exist for an executable; what asks for its own place gets that of the program.
    define: { "import.meta.url": "importMetaUrl", "import.meta.dirname": "importMetaDirname" },
    banner: {
      js: 'const importMetaUrl=require("node:url").pathToFileURL(process.execPath).href,importMetaDirname=require("node:path").dirname(process.execPath);',
    },
    plugins: [withoutServer, withoutNativeModules, hclFromAsset],
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error("esbuild wrote no bundle");
  return output.contents;
}

/** Replaces a module by one that fails when it is loaded. */
function failing(name: string, filter: RegExp, message: string): Plugin {
  return {
    name,
    setup({ onResolve, onLoad }) {
      onResolve({ filter }, ({ path }) => ({ path, namespace: name }));
      onLoad({ filter: /.*/, namespace: name }, () => ({
        contents: `throw new Error(${JSON.stringify(message)});`,
      }));
    },
  };
}

export const withoutServer = failing(
  "without-server",
  /^@slipway\/server$|\/binaries\/binary-source\.ts$/,
  "This executable is for workspaces and clients: the server is not in it. Run the server from Slipway's container image, or from its sources with `./coder server`.",
);

/** Optional accelerators of ssh2 and ws: both go on in JavaScript. */
export const withoutNativeModules = failing(
  "without-native-modules",
  /\.node$|^cpu-features$|^bufferutil$|^utf-8-validate$/,
  "This executable has no native modules.",
);

/** The HCL parser reads its WebAssembly from a file beside it, which here is an asset. */
const hclFromAsset: Plugin = {
  name: "hcl-from-asset",
  setup({ onLoad }) {
    onLoad({ filter: /@cdktn\/hcl2json\/build\/bridge\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const contents = source.replace(
        /await fs\.readFile\(.*"main\.wasm\.gz"\)\)/,
        'Buffer.from(require("node:sea").getRawAsset("main.wasm.gz"))',
      );
      if (contents === source) throw new Error(`${path} no longer reads main.wasm.gz as expected`);
      return { contents };
    });
  },
};
