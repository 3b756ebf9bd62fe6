import { lstat, realpath } from "node:fs/promises";
import { errorCode } from "../../log/log.ts";

const SLASH = 0x2f;

/** File names are bytes: they need not be valid UTF-8, and are never taken for text here. */
export function absolutePath(home: string, path: Buffer): Buffer {
  if (path[0] === SLASH) return path;
  if (path.byteLength === 0) return Buffer.from(home);
  return Buffer.concat([Buffer.from(home.endsWith("/") ? home : `${home}/`), path]);
}

/** Without links, dots and double slashes. Its last part need not exist: clients ask before they create it. */
export async function canonicalPath(path: Buffer): Promise<Buffer> {
  try {
    return await realpath(path, "buffer");
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    const trimmed = path.at(-1) === SLASH && path.byteLength > 1 ? path.subarray(0, -1) : path;
    const cut = trimmed.lastIndexOf(SLASH);
    const parent = await realpath(cut <= 0 ? Buffer.from("/") : trimmed.subarray(0, cut), "buffer");
    const name = trimmed.subarray(cut + 1);
    return Buffer.concat([parent, Buffer.from(parent.at(-1) === SLASH ? "" : "/"), name]);
  }
}

export async function exists(path: Buffer): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}
