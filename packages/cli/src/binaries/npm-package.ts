import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { sourceRoot } from "./source-root.ts";

const packTimeoutMs = 300_000;

/** What is needed is neither installed nor to be had; the message says how to get it. */
export class PackageUnavailableError extends Error {
  override name = "PackageUnavailableError";
}

const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), integrity: z.string().optional() }),
  ),
});

/**
 * The directory of a package that package-lock.json names: the installed one, else, for other platforms than ours,
 * one fetched from the registry and compared with the lock, kept in `cacheDir`.
 */
export async function findPackage(name: string, cacheDir: string): Promise<{ dir: string; version: string }> {
  const lock = Lock.parse(JSON.parse(await readFile(join(sourceRoot, "package-lock.json"), "utf8")));
  const entry = lock.packages[`node_modules/${name}`];
  if (entry?.version === undefined || entry.integrity === undefined) {
    throw new PackageUnavailableError(`package-lock.json does not name the package ${name}.`);
  }
  const { version, integrity } = entry;
  const installed = join(sourceRoot, "node_modules", name);
  if (existsSync(installed)) return { dir: installed, version };
  const kept = join(cacheDir, "packages", `${name.replace("/", "+")}-${version}`);
  if (!existsSync(kept)) await fetchPackage({ name, version, integrity, target: kept });
  return { dir: kept, version };
}

async function fetchPackage(options: {
  name: string;
  version: string;
  integrity: string;
  target: string;
}): Promise<void> {
  const { name, version, integrity, target } = options;
  const run = promisify(execFile);
  const temporary = `${target}.${randomBytes(6).toString("hex")}`;
  await mkdir(temporary, { recursive: true });
  try {
    const args = [
      "pack",
      `${name}@${version}`,
      "--pack-destination",
      temporary,
      "--json",
      "--prefer-offline",
    ];
    const { stdout } = await run("npm", args, { cwd: sourceRoot, timeout: packTimeoutMs }).catch(
      (error: Error) => {
        throw new PackageUnavailableError(
          `The npm package ${name}@${version} could not be fetched. Give the server npm and a registry (npm config set registry URL), or put the package into ${kept(target)}.`,
          { cause: error },
        );
      },
    );
    const [packed] = z.array(z.object({ filename: z.string() })).parse(JSON.parse(stdout));
    const file = join(temporary, packed?.filename ?? "");
    const digest = createHash("sha512")
      .update(await readFile(file))
      .digest("base64");
    if (integrity !== `sha512-${digest}`) {
      throw new PackageUnavailableError(
        `The registry's ${name}@${version} is not the one of package-lock.json.`,
      );
    }
    await run("tar", ["-xzf", file, "-C", temporary]);
    await rename(join(temporary, "package"), target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function kept(target: string): string {
  return `${target} (the unpacked tarball's folder "package")`;
}
