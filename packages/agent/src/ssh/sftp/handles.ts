import type { Dir } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { SftpError, statusCode } from "./status.ts";

const MAX_HANDLES = 1024;

export type OpenFile = { kind: "file"; file: FileHandle; append: boolean };
export type OpenDirectory = { kind: "directory"; dir: Dir; path: Buffer };
export type Handle = OpenFile | OpenDirectory;

/** The files and directories that one client has open. */
export type Handles = {
  add(handle: Handle): Buffer;
  file(id: Buffer): OpenFile;
  directory(id: Buffer): OpenDirectory;
  close(id: Buffer): Promise<void>;
  closeAll(): Promise<void>;
  readonly limit: number;
};

export function createHandles(): Handles {
  const open = new Map<string, Handle>();
  let next = 0;
  const find = (id: Buffer) => {
    const handle = open.get(id.toString("hex"));
    if (handle === undefined) throw new SftpError(statusCode.failure, "No such handle");
    return handle;
  };
  const release = (handle: Handle) => (handle.kind === "file" ? handle.file.close() : handle.dir.close());
  return {
    limit: MAX_HANDLES,
    add(handle) {
      if (open.size >= MAX_HANDLES) {
        void release(handle).catch(() => {});
        throw new SftpError(statusCode.failure, "Too many open files");
      }
      const id = Buffer.alloc(4);
      id.writeUInt32BE(next++ >>> 0);
      open.set(id.toString("hex"), handle);
      return id;
    },
    file(id) {
      const handle = find(id);
      if (handle.kind !== "file") throw new SftpError(statusCode.failure, "Is a directory");
      return handle;
    },
    directory(id) {
      const handle = find(id);
      if (handle.kind !== "directory") throw new SftpError(statusCode.failure, "Not a directory");
      return handle;
    },
    async close(id) {
      const handle = find(id);
      open.delete(id.toString("hex"));
      await release(handle);
    },
    async closeAll() {
      const all = [...open.values()];
      open.clear();
      await Promise.allSettled(all.map(release));
    },
  };
}
