import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import type { ProgramName } from "./executable-main.ts";
import { sourceRoot } from "./source-root.ts";

/** What an executable contains. */
export type ExecutableBundle = {
  /** Starts one of the programs. */
  main: Uint8Array;
  /** CommonJS files: `require` in a single executable knows Node's own modules only. */
  programs: Record<ProgramName, Uint8Array>;
};

/**
 * The commands, the agent and the provisioner daemon, not the server. The agent has a file of its own: what it does
 * not need would take memory in every workspace.
 */
export async function bundleExecutable(entry = "packages/cli/src/main.ts"): Promise<ExecutableBundle> {
  const [main, cli, agent] = await Promise.all([
    bundle({ entryPoints: [join(import.meta.dirname, "executable-main.ts")] }),
    bundleProgram(entry, [withoutServer, withoutNativeModules, hclFromAsset]),
    bundleProgram("packages/cli/src/main.ts", [agentOnly, withoutHttpClient, withoutNativeModules]),
  ]);
  return { main, programs: { "cli.cjs": cli, "agent.cjs": agent } };
}

async function bundleProgram(entry: string, plugins: Plugin[]): Promise<Uint8Array> {
  const program = await bundle({
    entryPoints: [join(sourceRoot, entry)],
    // Names of classes and functions stand in errors and logs.
    keepNames: true,
    // Files beside the sources do not exist for an executable; what asks for its own place gets that of the program.
    define: { "import.meta.url": "importMetaUrl", "import.meta.dirname": "importMetaDirname" },
    // The main module calls it as a function. What was CommonJS before, such as ssh2's WebAssembly, asks for
    // `__dirname` even when it reads nothing there.
    banner: {
      js: '(function(require,module){const importMetaUrl=require("node:url").pathToFileURL(process.execPath).href,importMetaDirname=require("node:path").dirname(process.execPath),__dirname=importMetaDirname,__filename=process.execPath;',
    },
    footer: { js: "})" },
    // There is nothing to load but Node's own modules, which `require` gives without the loader of ES modules.
    supported: { "dynamic-import": false },
    plugins,
  });
  // esbuild escapes strings, and leaves regular expressions as they are.
  const ascii = Buffer.from(program)
    .toString("utf8")
    .replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return Buffer.from(ascii, "latin1");
}

/** The tree of commands with nothing but `coder agent`. */
const agentOnly: Plugin = {
  name: "agent-only",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/commands\.ts$/ }, () => ({
      path: join(import.meta.dirname, "agent-commands.ts"),
    }));
  },
};

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

/** The agent speaks to its server over a WebSocket alone. */
const withoutHttpClient = failing("without-http-client", /^undici$/, "The agent has no HTTP client.");

/** Optional accelerators of ssh2 and ws: both go on in JavaScript. */
export const withoutNativeModules = failing(
  "without-native-modules",
  /\.node$|^cpu-features$|^bufferutil$|^utf-8-validate$/,
  "This executable has no native modules.",
);

/**
 * The HCL parser runs in a thread that loads it from a file. An executable has no files: it unpacks one
 * (`hclModuleFromAsset`).
 */
const hclFromAsset: Plugin = {
  name: "hcl-from-asset",
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /packages\/template\/src\/hcl\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const contents = source.replaceAll(
        /createRequire\(import\.meta\.url\)\.resolve\("@cdktn\/hcl2json"\)/g,
        "hclModuleFromAsset()",
      );
      if (contents === source) return { contents, loader: "ts" };
      const replacement = JSON.stringify(join(import.meta.dirname, "hcl-module-from-asset.ts"));
      return { contents: `import { hclModuleFromAsset } from ${replacement};\n${contents}`, loader: "ts" };
    });
    // Any other way to the parser would look for files that are not there.
    onResolve({ filter: /^@cdktn\/hcl2json$/ }, ({ importer }) => ({
      errors: [{ text: `${importer} imports @cdktn/hcl2json itself, which an executable cannot load.` }],
    }));
  },
};

/** The HCL parser in one file, for its thread. */
export async function bundleHclParser(): Promise<Uint8Array> {
  return bundle({
    entryPoints: ["@cdktn/hcl2json"],
    absWorkingDir: join(sourceRoot, "packages/template"),
    // Named where a runtime has no `performance` of its own.
    external: ["performance"],
  });
}

async function bundle(options: BuildOptions): Promise<Uint8Array> {
  const result = await build({
    bundle: true,
    write: false,
    minify: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    legalComments: "none",
    logLevel: "silent",
    ...options,
  });
  const [output] = result.outputFiles ?? [];
  if (output === undefined) throw new Error("esbuild wrote no bundle");
  return output.contents;
}
