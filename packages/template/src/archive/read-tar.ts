import { Readable } from "node:stream";
import tar from "tar-stream";
import { TemplateError } from "../template-error.ts";
import { type ArchiveLimits, DEFAULT_LIMITS, formatBytes } from "./archive-limits.ts";
import { type ArchiveEntry, createEntryChecker, showPath } from "./check-entries.ts";
import { collectBytes } from "./collect-bytes.ts";

/** A tar in memory, or a stream of one. */
export type TarSource = Uint8Array | Readable;

/** An entry that passed the checks; `content` gives a file's bytes and may be called once, before going on. */
export type CheckedEntry = ArchiveEntry & { content(): Promise<Buffer> };

/**
 * Reads a tar entry by entry and refuses, with a TemplateError, whatever a template may not hold.
 * The checks that need the whole archive come after the last entry: act on nothing before it.
 */
export async function readTar(
  source: TarSource,
  limits: ArchiveLimits,
  onEntry: (entry: CheckedEntry) => Promise<void> | void,
): Promise<{ entries: number; bytes: number }> {
  const archive = await collect(source, limits);
  if (archive[0] === 0x1f && archive[1] === 0x8b) {
    throw new TemplateError("corrupt_archive", "The archive is compressed with gzip. Send the plain tar.");
  }
  // A tar of nothing still has its two closing blocks.
  if (archive.length === 0) throw new TemplateError("corrupt_archive", "The archive is empty.");
  const checker = createEntryChecker(limits);
  const extract = tar.extract();
  extract.end(archive);
  try {
    for await (const stream of extract) {
      // The offset of the content is there, but missing from the types.
      const header: typeof stream.header & { byteOffset?: number } = stream.header;
      const declared = {
        name: header.name,
        type: header.type ?? "entry of an unknown kind",
        sizeBytes: header.size ?? 0,
        mode: header.mode ?? 0,
        linkTarget: header.linkname ?? null,
      };
      const entry = checker.add(declared);
      const present = archive.length - (header.byteOffset ?? 0);
      if (declared.sizeBytes > present) {
        throw new TemplateError(
          "corrupt_archive",
          `The file ${showPath(header.name)} declares ${declared.sizeBytes} bytes, but the archive ends after ${present}. Pack the directory again.`,
          { path: header.name },
        );
      }
      if (entry !== null) {
        await onEntry({ ...entry, content: () => collectBytes(stream) });
      }
      stream.resume();
    }
  } catch (error) {
    if (error instanceof TemplateError || isSystemError(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new TemplateError("corrupt_archive", `The archive is not a readable tar: ${reason}.`, {
      cause: error,
    });
  }
  return checker.finish();
}

/** Refuses an archive that a template may not be. Resolves to what it holds. */
export function checkTar(
  source: TarSource,
  limits: ArchiveLimits = DEFAULT_LIMITS,
): Promise<{ entries: number; bytes: number }> {
  return readTar(source, limits, () => {});
}

/** The entries of a tar in their order; a path that is there twice is listed twice. */
export async function listTar(
  source: TarSource,
  limits: ArchiveLimits = DEFAULT_LIMITS,
): Promise<ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  await readTar(source, limits, ({ path, type, sizeBytes, mode, linkTarget }) => {
    entries.push({ path, type, sizeBytes, mode, linkTarget });
  });
  return entries;
}

/** One file's bytes, or null when the tar holds no such file. Of two with the same path the later counts. */
export async function readTarFile(
  source: TarSource,
  path: string,
  limits: ArchiveLimits = DEFAULT_LIMITS,
): Promise<Buffer | null> {
  return (await readTarFiles(source, (entry) => entry.path === path, limits)).get(path) ?? null;
}

/** The bytes of every file that `wanted` picks, by path. */
export async function readTarFiles(
  source: TarSource,
  wanted: (entry: ArchiveEntry) => boolean,
  limits: ArchiveLimits = DEFAULT_LIMITS,
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  await readTar(source, limits, async (entry) => {
    if (entry.type === "file" && wanted(entry)) files.set(entry.path, await entry.content());
  });
  return files;
}

async function collect(source: TarSource, limits: ArchiveLimits): Promise<Buffer> {
  const tooLarge = () =>
    new TemplateError(
      "archive_too_large",
      `The archive is larger than ${formatBytes(limits.maxBytes)}. Leave out what Terraform does not read.`,
    );
  if (!(source instanceof Readable)) {
    if (source.byteLength > limits.maxBytes) throw tooLarge();
    return Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  }
  const archive = await collectBytes(source, limits.maxBytes);
  if (archive.length > limits.maxBytes) throw tooLarge();
  return archive;
}

/** A full disk is not the archive's fault; such errors carry an errno code. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && "errno" in error;
}
