import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type BinaryFile, describeBinary } from "./binary-file.ts";
import { sourceRoot } from "./source-root.ts";

/** Images have it beside the sources, with what those were made into; a clone has none. */
const shippedDir = join(sourceRoot, "binaries");

/** The file of that name that came with this program, in the layout of the cache, or null. */
export async function shippedBinary(name: string, dir = shippedDir): Promise<BinaryFile | null> {
  const [digest] = await readdir(join(dir, name)).catch(() => []);
  return digest === undefined ? null : describeBinary(join(dir, name, digest, name));
}
