import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

export type RotatingFile = { write(text: string): void; close(): void };

/**
 * Appends to `path` and moves it to `path.1` … `path.<backups>` when it exceeds `maxBytes`. A disk that is full or
 * read-only stops the file, not the program: `onError` is told once, and writing is tried again a minute later.
 */
export function openRotatingFile(
  path: string,
  options: { maxBytes: number; backups: number; onError: (error: unknown) => void; now?: () => number },
): RotatingFile {
  const now = options.now ?? Date.now;
  const retryAfterMs = 60_000;
  let fd: number | undefined;
  let size = 0;
  let retryAt = 0;
  let told = false;

  const open = () => {
    fd = openSync(path, "a", 0o600);
    size = fstatSync(fd).size;
  };
  const close = () => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const rotate = () => {
    close();
    for (let index = options.backups; index >= 1; index--) {
      try {
        renameSync(index === 1 ? path : `${path}.${index - 1}`, `${path}.${index}`);
      } catch {
        // That backup does not exist yet.
      }
    }
    open();
  };
  return {
    write(text) {
      if (now() < retryAt) return;
      try {
        if (fd === undefined) open();
        const bytes = Buffer.from(text);
        if (size > 0 && size + bytes.byteLength > options.maxBytes) rotate();
        if (fd !== undefined) size += writeSync(fd, bytes);
        told = false;
      } catch (error) {
        retryAt = now() + retryAfterMs;
        close();
        if (!told) options.onError(error);
        told = true;
      }
    },
    close,
  };
}
