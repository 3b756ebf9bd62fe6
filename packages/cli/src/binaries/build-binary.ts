// Makes one file of /bin/ in a process of its own, because injecting into an executable takes 900 MB of memory and all
// of a processor. Prints the BinaryFile, or `{ notFound }` with the reason, as JSON.
//
//   node build-binary.ts NAME CACHE_DIR [MAIN]
//
// MAIN is another main module than the program's, which tests use.
import { writeFile } from "node:fs/promises";
import type { TarInput } from "@slipway/template";
import { archiveDigest, packArchive } from "./archive.ts";
import { type BinaryFile, cachedBinary } from "./binary-file.ts";
import { rememberStamp } from "./binary-made-before.ts";
import { buildExecutable, findParts } from "./build-executable.ts";
import { cliPackageFiles } from "./cli-package.ts";
import { cliPackageName, executableTargets, librariesName } from "./executable-targets.ts";
import { libraryFiles } from "./libraries-archive.ts";
import { PackageUnavailableError } from "./npm-package.ts";
import { sourceStamp } from "./source-stamp.ts";

const [name = "", cacheDir = "", main] = process.argv.slice(2);
// Before anything is read: what changes meanwhile is looked at again by whoever asks next.
const stamp = await sourceStamp();
let result: BinaryFile | { notFound: string };
try {
  result = await buildBinary();
  if (main === undefined) await rememberStamp(result, stamp);
} catch (error) {
  if (!(error instanceof PackageUnavailableError)) throw error;
  result = { notFound: error.message };
}
process.stdout.write(`\n${JSON.stringify(result)}\n`);

async function buildBinary(): Promise<BinaryFile> {
  if (name === cliPackageName) return buildArchive(await cliPackageFiles());
  for (const target of executableTargets) {
    if (name === librariesName(target))
      return buildArchive(await libraryFiles(await findParts(target, cacheDir)));
    if (name === target.name) {
      const parts = await findParts(target, cacheDir, main);
      // Only the program is downloaded, by workspaces.
      const compress = main === undefined;
      return cachedBinary({ cacheDir, name, digest: parts.digest, compress }, (path) =>
        buildExecutable(parts, path),
      );
    }
  }
  throw new Error(`Nothing is called ${name}.`);
}

async function buildArchive(files: TarInput[]): Promise<BinaryFile> {
  return cachedBinary({ cacheDir, name, digest: archiveDigest(files), compress: false }, async (path) => {
    await writeFile(path, await packArchive(files));
  });
}
