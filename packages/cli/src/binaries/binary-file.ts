import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import { z } from "zod";

/** A file to serve under `/bin/`, beside it its compressed forms where compressing it is worth while. */
export type BinaryFile = z.infer<typeof BinaryFile>;
export const BinaryFile = z.object({
  path: z.string(),
  gzipPath: z.string().exactOptional(),
  zstdPath: z.string().exactOptional(),
  /** The SHA-256 of the uncompressed file, in hexadecimal. */
  etag: z.string(),
  sizeBytes: z.number(),
});

/** Another server on this machine may still serve what a newer one has replaced. */
const replacedLifetimeMs = 7 * 24 * 3_600_000;

/** How many of those stay: one takes 220 MB, and whoever changes the sources makes one each time. */
const maxReplaced = 4;

/** What a server that was killed left half made; no build takes so long. */
const unfinishedLifetimeMs = 3_600_000;

export type CacheOptions = { cacheDir: string; name: string; digest: string; compress: boolean };

/** Returns the file of this digest, made by `make` unless it is there; whole or not at all. */
export async function cachedBinary(
  options: CacheOptions,
  make: (path: string) => Promise<void>,
): Promise<BinaryFile> {
  const { cacheDir, name, digest, compress } = options;
  const parent = join(cacheDir, name);
  const dir = join(parent, digest);
  if (!existsSync(dir)) {
    const temporary = join(parent, `${digest}.${randomBytes(6).toString("hex")}`);
    await mkdir(temporary, { recursive: true, mode: 0o755 });
    try {
      const path = join(temporary, name);
      await make(path);
      if (compress) await Promise.all([gzip(path), zstd(path)]);
      const sha256 = await digestFile(path);
      await writeFile(`${path}.sha256`, `${sha256}  ${name}\n`);
      await rename(temporary, dir).catch((error: unknown) => {
        // Another server made the same at the same time.
        if (!existsSync(dir)) throw error;
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
  await markUsed(dir);
  await removeReplaced(parent, dir);
  return describeBinary(join(dir, name));
}

/** What is served of a file that was made before. */
export async function describeBinary(path: string): Promise<BinaryFile> {
  const [sha256 = ""] = (await readFile(`${path}.sha256`, "utf8")).split(" ");
  const { size } = await stat(path);
  const compressed = existsSync(`${path}.gz`) ? { gzipPath: `${path}.gz`, zstdPath: `${path}.zst` } : {};
  return { path, ...compressed, etag: sha256, sizeBytes: size };
}

async function gzip(path: string): Promise<void> {
  await pipeline(createReadStream(path), createGzip({ level: 6 }), createWriteStream(`${path}.gz`));
}

async function zstd(path: string): Promise<void> {
  const params = { [constants.ZSTD_c_compressionLevel]: 3 };
  await pipeline(createReadStream(path), createZstdCompress({ params }), createWriteStream(`${path}.zst`));
}

async function digestFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Says that a file of the cache is in use: others are removed before it. */
export async function keepInUse({ path }: BinaryFile): Promise<void> {
  // One that came with an image is not ours to touch, and nobody removes it.
  await markUsed(dirname(path)).catch(() => {});
}

/** Dates a directory of the cache: those that were not used for longer are removed first. */
export function markUsed(dir: string): Promise<void> {
  const now = new Date();
  return utimes(dir, now, now);
}

async function removeReplaced(parent: string, current: string): Promise<void> {
  const others = (await readdir(parent)).map((name) => join(parent, name)).filter((dir) => dir !== current);
  const dated = await Promise.all(
    others.map(async (dir) => {
      const { mtimeMs } = await stat(dir).catch(() => ({ mtimeMs: Date.now() }));
      return { dir, mtimeMs, isFinished: !basename(dir).includes(".") };
    }),
  );
  let kept = 0;
  for (const { dir, mtimeMs, isFinished } of dated.toSorted((a, b) => b.mtimeMs - a.mtimeMs)) {
    const lifetimeMs = isFinished ? replacedLifetimeMs : unfinishedLifetimeMs;
    const isRecent = Date.now() - mtimeMs <= lifetimeMs;
    if (isRecent && !(isFinished && ++kept > maxReplaced)) continue;
    await rm(dir, { recursive: true, force: true });
  }
}

/** The checksum beside a file, itself served: the init script compares what it kept with it. */
export async function checksumOf(file: BinaryFile): Promise<BinaryFile> {
  const path = `${file.path}.sha256`;
  const { size } = await stat(path);
  return { path, etag: `${file.etag}-sha256`, sizeBytes: size };
}
