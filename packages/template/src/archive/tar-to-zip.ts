import { Readable } from "node:stream";
import yazl from "yazl";
import { type ArchiveLimits, DEFAULT_LIMITS } from "./archive-limits.ts";
import { collectBytes } from "./collect-bytes.ts";
import { readTar } from "./read-tar.ts";

// The zip format counts from 1980 in local time; a fixed day keeps the bytes equal from run to run.
const FIXED_TIME = new Date(1980, 0, 2);

/** Converts a template's tar to a zip for download (`GET /files/{id}?format=zip`). */
export async function tarToZip(tar: Uint8Array, limits: ArchiveLimits = DEFAULT_LIMITS): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  const options = { mtime: FIXED_TIME, forceDosTimestamp: true };
  await readTar(tar, limits, async (entry) => {
    if (entry.type === "directory") {
      zip.addEmptyDirectory(entry.path, { ...options, mode: 0o040755 });
    } else if (entry.type === "symlink") {
      zip.addBuffer(Buffer.from(entry.linkTarget ?? ""), entry.path, { ...options, mode: 0o120777 });
    } else {
      const mode = 0o100000 | (entry.mode & 0o777);
      zip.addBuffer(await entry.content(), entry.path, { ...options, mode });
    }
  });
  zip.end();
  // yazl's stream is typed by an interface without iteration; it is a Readable.
  return collectBytes(Readable.from(zip.outputStream));
}
