import { crc32 } from "node:zlib";
import yauzl from "yauzl";
import { TemplateError } from "../template-error.ts";
import { type ArchiveLimits, DEFAULT_LIMITS, formatBytes } from "./archive-limits.ts";
import { createEntryChecker, type DeclaredEntry, showPath } from "./check-entries.ts";
import { collectBytes } from "./collect-bytes.ts";
import { type TarInput, writeTar } from "./write-tar.ts";

const RATIO_FLOOR_BYTES = 1024 * 1024;

/** File types in the mode bits of Unix; all others are told by the name alone. */
const UNIX_KINDS = new Map([
  [0o120000, "symlink"],
  [0o010000, "fifo"],
  [0o020000, "character-device"],
  [0o060000, "block-device"],
  [0o140000, "socket"],
]);

/** Converts a zip to a tar with the same bytes for the same zip, under the rules and limits of `checkTar`. */
export async function zipToTar(zip: Uint8Array, limits: ArchiveLimits = DEFAULT_LIMITS): Promise<Buffer> {
  if (zip.byteLength > limits.maxBytes) {
    throw new TemplateError("archive_too_large", `The zip is larger than ${formatBytes(limits.maxBytes)}.`);
  }
  const files = new Map<string, TarInput>();
  try {
    const buffer = Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength);
    const reader = await yauzl.fromBufferPromise(buffer, { lazyEntries: true, validateEntrySizes: true });
    const checker = createEntryChecker(limits);
    let unpackedBytes = 0;
    for await (const entry of reader.eachEntry()) {
      const declared = declaredEntry(entry);
      unpackedBytes += entry.uncompressedSize;
      checkRatio(unpackedBytes, zip.byteLength, limits, declared.name);
      if (declared.type === "symlink") {
        declared.linkTarget = (await readEntry(reader, entry, limits.maxPathBytes)).toString("utf8");
        declared.sizeBytes = 0;
      }
      const checked = checker.add(declared);
      if (checked === null) continue;
      const { path } = checked;
      if (checked.type === "directory") {
        files.set(path, { path, type: "directory", mode: 0o755 });
      } else if (checked.type === "symlink") {
        files.set(path, { path, type: "symlink", linkTarget: checked.linkTarget ?? "" });
      } else {
        const data = await readEntry(reader, entry, limits.maxFileBytes);
        files.set(path, { path, type: "file", data, mode: checked.mode & 0o111 ? 0o755 : 0o644 });
      }
    }
    checker.finish();
  } catch (error) {
    if (error instanceof TemplateError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new TemplateError("corrupt_archive", `The archive is not a readable zip: ${reason}.`, {
      cause: error,
    });
  }
  return writeTar([...files.values()]);
}

/** The mode bits that Unix programs keep in the upper half of a zip entry's attributes. */
function declaredEntry(entry: yauzl.Entry): DeclaredEntry {
  const name = entry.fileName;
  const unixMode = entry.externalFileAttributes >>> 16;
  const kind = UNIX_KINDS.get(unixMode & 0o170000) ?? (name.endsWith("/") ? "directory" : "file");
  const sizeBytes = kind === "directory" ? 0 : entry.uncompressedSize;
  if (entry.isEncrypted()) {
    throw new TemplateError(
      "encrypted_archive",
      `The entry ${showPath(name)} is encrypted. Pack the directory again without a password.`,
      { path: name },
    );
  }
  return { name, type: kind, sizeBytes, mode: unixMode & 0o777, linkTarget: null };
}

function checkRatio(unpackedBytes: number, packedBytes: number, limits: ArchiveLimits, path: string): void {
  if (unpackedBytes > limits.maxUnpackedBytes) {
    throw new TemplateError(
      "archive_too_large",
      `The zip unpacks to more than ${formatBytes(limits.maxUnpackedBytes)} (reached at ${showPath(path)}). Leave out what Terraform does not read.`,
      { path },
    );
  }
  if (unpackedBytes > RATIO_FLOOR_BYTES && unpackedBytes > packedBytes * limits.maxExpansionRatio) {
    throw new TemplateError(
      "suspicious_compression",
      `The zip unpacks to more than ${limits.maxExpansionRatio} times its size (reached at ${showPath(path)}). Send a tar if that is meant.`,
      { path },
    );
  }
}

/** yauzl ends an entry with an error when it gives more or fewer bytes than declared; the checksum is ours. */
async function readEntry(reader: yauzl.ZipFile, entry: yauzl.Entry, maxBytes: number): Promise<Buffer> {
  if (entry.uncompressedSize > maxBytes) {
    throw new TemplateError(
      "archive_too_large",
      `The entry ${showPath(entry.fileName)} declares ${formatBytes(entry.uncompressedSize)}; ${formatBytes(maxBytes)} are allowed.`,
      { path: entry.fileName },
    );
  }
  const data = await collectBytes(await reader.openReadStreamPromise(entry));
  if (crc32(data) !== entry.crc32) {
    throw new TemplateError(
      "corrupt_archive",
      `The checksum of ${showPath(entry.fileName)} does not match its content. Pack the directory again.`,
      { path: entry.fileName },
    );
  }
  return data;
}
