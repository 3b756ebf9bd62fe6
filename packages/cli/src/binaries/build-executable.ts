import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Script } from "node:vm";
import { inject } from "postject";
import { bundleExecutable, bundleHclParser } from "./executable-bundle.ts";
import type { ExecutableTarget } from "./executable-targets.ts";
import { findPackage, PackageUnavailableError } from "./npm-package.ts";
import { packStarterTemplates, starterTemplatesName } from "./pack-starter-templates.ts";

/** What an executable is made of; `digest` names the result before it is made. */
export type ExecutableParts = {
  target: ExecutableTarget;
  main: Uint8Array;
  /** Those of its assets that are programs. */
  programNames: string[];
  node: string;
  pty: string;
  assets: Record<string, Uint8Array>;
  digest: string;
};

/** Changes when the way of building does. */
const recipe = "2";

/** Finds and bundles everything for one platform: a second; making the executable takes ten. */
export async function findParts(
  target: ExecutableTarget,
  cacheDir: string,
  entry?: string,
): Promise<ExecutableParts> {
  const nodePackage = await findPackage(`node-linux-${target.npmArch}`, cacheDir);
  // The preparation blob is made by the Node that runs this and must suit the one that reads it.
  if (process.version !== `v${nodePackage.version}`) {
    throw new PackageUnavailableError(
      `Executables are made with Node ${nodePackage.version}, the packaged one; this is ${process.version}. Run \`npm ci\`.`,
    );
  }
  const ptyPackage = await findPackage(`@lydell/node-pty-linux-${target.npmArch}`, cacheDir);
  const hclPackage = await findPackage("@cdktn/hcl2json", cacheDir);
  const pty = join(ptyPackage.dir, "pty.node");
  const { main, programs } = await bundleExecutable(entry);
  const assets: Record<string, Uint8Array> = {
    ...programs,
    "pty.node": await readFile(pty),
    "main.wasm.gz": await readFile(join(hclPackage.dir, "main.wasm.gz")),
    "hcl2json.cjs": await bundleHclParser(),
    [starterTemplatesName]: await packStarterTemplates(),
  };
  const hash = createHash("sha256")
    .update(`${recipe} ${target.name} node ${nodePackage.version}\0`)
    .update(main);
  for (const [name, body] of Object.entries(assets)) hash.update(`\0${name}\0`).update(body);
  const digest = hash.digest("hex").slice(0, 32);
  const programNames = Object.keys(programs);
  return { target, main, programNames, node: join(nodePackage.dir, "bin/node"), pty, assets, digest };
}

/** Writes the executable: a Node with our bundle and its assets injected. */
export async function buildExecutable(parts: ExecutableParts, output: string): Promise<void> {
  const { target, node } = parts;
  const work = await mkdtemp(join(tmpdir(), "slipway-executable-"));
  try {
    // Compiled code is good for the same processor only.
    const useCodeCache = process.platform === target.os && process.arch === target.npmArch;
    const assets = useCodeCache ? { ...parts.assets, ...codeCaches(parts) } : parts.assets;
    const main = join(work, "main.cjs");
    const blob = join(work, "main.blob");
    const config = join(work, "sea.json");
    await writeFile(main, parts.main);
    const assetPaths: Record<string, string> = {};
    for (const [name, body] of Object.entries(assets)) {
      assetPaths[name] = join(work, name);
      await writeFile(join(work, name), body);
    }
    await writeFile(
      config,
      JSON.stringify({
        main,
        output: blob,
        disableExperimentalSEAWarning: true,
        useCodeCache,
        useSnapshot: false,
        execArgv: ["--disable-warning=ExperimentalWarning"],
        // NODE_OPTIONS in a workspace is meant for the user's programs.
        execArgvExtension: "none",
        assets: assetPaths,
      }),
    );
    await promisify(execFile)(process.execPath, ["--experimental-sea-config", config], { cwd: work });
    await copyFile(node, output);
    await chmod(output, 0o755);
    await inject(output, "NODE_SEA_BLOB", await readFile(blob), {
      sentinelFuse: "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2",
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What the compiler made of each program, as `executable-main.ts` asks for it. */
function codeCaches({ programNames, assets }: ExecutableParts): Record<string, Uint8Array> {
  return Object.fromEntries(
    programNames.map((name) => {
      const source = Buffer.from(assets[name] ?? []).toString("latin1");
      return [`${name}.cache`, new Script(source, { filename: name }).createCachedData()];
    }),
  );
}
