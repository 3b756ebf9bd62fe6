import { constants, type Stats } from "node:fs";
import * as fs from "node:fs/promises";
import { type Attributes, encodeAttributes, encodeName, noAttributes, readAttributes } from "./attributes.ts";
import { extensions } from "./extensions.ts";
import type { Handles } from "./handles.ts";
import { absolutePath, canonicalPath, exists } from "./paths.ts";
import { endOfFile, SftpError, statusCode } from "./status.ts";
import {
  DATA_HEADER_BYTES,
  dataPacket,
  type FieldReader,
  field,
  MAX_DATA_BYTES,
  packet,
  packetType,
  u32,
} from "./wire.ts";

const OPEN_READ = 1;
const OPEN_WRITE = 2;
const OPEN_APPEND = 4;
const OPEN_CREATE = 8;
const OPEN_TRUNCATE = 16;
const OPEN_EXCLUSIVE = 32;

const ENTRIES_PER_ANSWER = 100;

export type OperationContext = {
  id: number;
  home: string;
  handles: Handles;
  longName: (name: Buffer, stats: Stats) => Buffer;
};

/** Answers a request; undefined stands for the status OK. */
export type Operation = (fields: FieldReader, context: OperationContext) => Promise<Buffer | undefined>;

const path = (fields: FieldReader, { home }: OperationContext) => absolutePath(home, fields.bytes());
const attrs = ({ id }: OperationContext, stats: Stats) =>
  packet(packetType.attrs, u32(id), encodeAttributes(stats));
export const onePath = ({ id }: OperationContext, name: Buffer) =>
  packet(packetType.name, u32(id), u32(1), encodeName(name, name, noAttributes));

export const operations = new Map<number, Operation>([
  [packetType.open, open],
  [packetType.close, async (fields, { handles }) => void (await handles.close(fields.bytes()))],
  [packetType.read, read],
  [packetType.write, write],
  [packetType.stat, async (fields, context) => attrs(context, await fs.stat(path(fields, context)))],
  [packetType.lstat, async (fields, context) => attrs(context, await fs.lstat(path(fields, context)))],
  [
    packetType.fstat,
    async (fields, context) => attrs(context, await context.handles.file(fields.bytes()).file.stat()),
  ],
  [
    packetType.setstat,
    async (fields, context) => {
      const target = path(fields, context);
      await setAttributes(readAttributes(fields), {
        truncate: (size) => fs.truncate(target, size),
        chmod: (mode) => fs.chmod(target, mode),
        chown: (uid, gid) => fs.chown(target, uid, gid),
        utimes: (atime, mtime) => fs.utimes(target, atime, mtime),
      });
    },
  ],
  [
    packetType.fsetstat,
    async (fields, { handles }) => {
      const { file } = handles.file(fields.bytes());
      await setAttributes(readAttributes(fields), {
        truncate: (size) => file.truncate(size),
        chmod: (mode) => file.chmod(mode),
        chown: (uid, gid) => file.chown(uid, gid),
        utimes: (atime, mtime) => file.utimes(atime, mtime),
      });
    },
  ],
  [packetType.opendir, opendir],
  [packetType.readdir, readdir],
  [packetType.remove, async (fields, context) => void (await fs.unlink(path(fields, context)))],
  [
    packetType.mkdir,
    async (fields, context) => {
      const target = path(fields, context);
      await fs.mkdir(target, { mode: readAttributes(fields).permissions ?? 0o777 });
    },
  ],
  [packetType.rmdir, async (fields, context) => void (await fs.rmdir(path(fields, context)))],
  [
    packetType.realpath,
    async (fields, context) => onePath(context, await canonicalPath(path(fields, context))),
  ],
  [
    packetType.readlink,
    async (fields, context) => onePath(context, await fs.readlink(path(fields, context), "buffer")),
  ],
  [
    packetType.symlink,
    async (fields, context) => {
      // The draft has them the other way round; every client does as OpenSSH does.
      const target = fields.bytes();
      await fs.symlink(target, path(fields, context));
    },
  ],
  [packetType.rename, rename],
  [
    packetType.extended,
    async (fields, context) => {
      const name = fields.text();
      const extension = extensions.get(name);
      if (extension === undefined) {
        throw new SftpError(statusCode.unsupported, `The extension ${name} is not supported.`);
      }
      return extension.run(fields, context);
    },
  ],
]);

async function open(fields: FieldReader, context: OperationContext): Promise<Buffer> {
  const target = path(fields, context);
  const flags = fields.u32();
  const { permissions } = readAttributes(fields);
  const wantsWrite = (flags & OPEN_WRITE) !== 0;
  // Without blocking: a named pipe that nobody else has open would hold a thread of the agent for ever.
  let mode = constants.O_NONBLOCK | constants.O_NOCTTY;
  mode |= wantsWrite ? (flags & OPEN_READ ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY;
  if (flags & OPEN_APPEND) mode |= constants.O_APPEND;
  if (flags & OPEN_CREATE) mode |= constants.O_CREAT;
  if (flags & OPEN_TRUNCATE) mode |= constants.O_TRUNC;
  if (flags & OPEN_EXCLUSIVE) mode |= constants.O_EXCL;
  const file = await fs.open(target, mode, permissions ?? 0o666);
  const handle = context.handles.add({ kind: "file", file, append: (flags & OPEN_APPEND) !== 0 });
  return packet(packetType.handle, u32(context.id), field(handle));
}

async function read(fields: FieldReader, { id, handles }: OperationContext): Promise<Buffer> {
  const { file } = handles.file(fields.bytes());
  const offset = Number(fields.u64());
  const length = Math.min(fields.u32(), MAX_DATA_BYTES);
  const buffer = Buffer.allocUnsafe(DATA_HEADER_BYTES + length);
  const { bytesRead } = await file.read(buffer, DATA_HEADER_BYTES, length, offset);
  if (bytesRead === 0 && length > 0) throw endOfFile;
  return dataPacket(id, buffer, bytesRead);
}

async function write(fields: FieldReader, { handles }: OperationContext): Promise<undefined> {
  const { file, append } = handles.file(fields.bytes());
  let offset = Number(fields.u64());
  let rest = fields.bytes();
  while (rest.byteLength > 0) {
    const { bytesWritten } = await file.write(rest, 0, rest.byteLength, append ? null : offset);
    offset += bytesWritten;
    rest = rest.subarray(bytesWritten);
  }
}

async function opendir(fields: FieldReader, context: OperationContext): Promise<Buffer> {
  const target = path(fields, context);
  const dir = await fs.opendir(target, { encoding: "buffer" as BufferEncoding }); // allowed, though not declared
  const handle = context.handles.add({ kind: "directory", dir, path: target });
  return packet(packetType.handle, u32(context.id), field(handle));
}

async function readdir(fields: FieldReader, context: OperationContext): Promise<Buffer> {
  const { dir, path: parent } = context.handles.directory(fields.bytes());
  const names: Buffer[] = [];
  let entries = 0;
  while (entries < ENTRIES_PER_ANSWER) {
    const entry = await dir.read();
    if (entry === null) break;
    entries++;
    const name = entry.name as unknown as Buffer; // by the encoding above
    const stats = await fs.lstat(Buffer.concat([parent, Buffer.from("/"), name])).catch(() => undefined);
    // Gone since it was listed.
    if (stats === undefined) continue;
    names.push(encodeName(name, context.longName(name, stats), encodeAttributes(stats)));
  }
  if (entries === 0) throw endOfFile;
  return packet(packetType.name, u32(context.id), u32(names.length), ...names);
}

/** Version 3 never replaces a file; `posix-rename@openssh.com` does. */
async function rename(fields: FieldReader, context: OperationContext): Promise<undefined> {
  const from = path(fields, context);
  const to = path(fields, context);
  const stats = await fs.lstat(from);
  if (stats.isFile()) {
    try {
      // A link fails where the target exists, in one step.
      await fs.link(from, to);
      await fs.unlink(from);
      return;
    } catch (error) {
      if (await exists(to)) throw error;
    }
  }
  if (await exists(to)) throw new SftpError(statusCode.failure, "File exists");
  await fs.rename(from, to);
}

export async function setAttributes(
  { size, owner, permissions, times }: Attributes,
  target: {
    truncate(size: number): Promise<void>;
    chmod(mode: number): Promise<void>;
    chown(uid: number, gid: number): Promise<void>;
    utimes(atime: number, mtime: number): Promise<void>;
  },
): Promise<void> {
  if (size !== undefined) await target.truncate(size);
  if (permissions !== undefined) await target.chmod(permissions);
  if (owner !== undefined) await target.chown(owner.uid, owner.gid);
  if (times !== undefined) await target.utimes(times.atime, times.mtime);
}
