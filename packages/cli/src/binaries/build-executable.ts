import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { inject } from "postject";
import { bundleExecutable, bundleHclParser } from "./executable-bundle.ts";
import type { ExecutableTarget } from "./executable-targets.ts";
import { findPackage, PackageUnavailableError } from "./npm-package.ts";

/** What an executable is made of; `digest` names the result before it is made. */
export type ExecutableParts = {
  target: ExecutableTarget;
  bundle: Uint8Array;
  node: string;
  pty: string;
  assets: Record<string, Uint8Array>;
  digest: string;
};

/** Changes when the way of building does. */
const recipe = "1";

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
  const assets = {
    "pty.node": await readFile(pty),
    "main.wasm.gz": await readFile(join(hclPackage.dir, "main.wasm.gz")),
    "hcl2json.cjs": await bundleHclParser(),
  };
  const bundle = await bundleExecutable(entry);
  const hash = createHash("sha256")
    .update(`${recipe} ${target.name} node ${nodePackage.version}\0`)
    .update(bundle);
  for (const [name, body] of Object.entries(assets)) hash.update(`\0${name}\0`).update(body);
  const digest = hash.digest("hex").slice(0, 32);
  return { target, bundle, node: join(nodePackage.dir, "bin/node"), pty, assets, digest };
}

/** Writes the executable: a Node with our bundle and its assets injected. */
export async function buildExecutable(parts: ExecutableParts, output: string): Promise<void> {
  const { target, bundle, node, assets } = parts;
  const work = await mkdtemp(join(tmpdir(), "slipway-executable-"));
  try {
    const main = join(work, "main.cjs");
    const blob = join(work, "main.blob");
    const config = join(work, "sea.json");
    await writeFile(main, bundle);
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
        // Compiled code is good for the same processor only.
        useCodeCache: process.platform === target.os && process.arch === target.npmArch,
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
