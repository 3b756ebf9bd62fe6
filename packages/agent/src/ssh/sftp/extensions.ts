import * as fs from "node:fs/promises";
import { encodeName, noAttributes, readAttributes } from "./attributes.ts";
import type { OperationContext } from "./operations.ts";
import { absolutePath, canonicalPath } from "./paths.ts";
import { type FieldReader, MAX_DATA_BYTES, MAX_PACKET_BYTES, packet, packetType, u32, u64 } from "./wire.ts";

type Extension = {
  version: string;
  run(fields: FieldReader, context: OperationContext): Promise<Buffer | undefined>;
};

const MAX_NAME_BYTES = 255;
const COPY_CHUNK_BYTES = 256 * 1024;

const path = (fields: FieldReader, { home }: OperationContext) => absolutePath(home, fields.bytes());

/** OpenSSH's additions, which its client and sshfs use when they are there. */
export const extensions = new Map<string, Extension>([
  [
    "posix-rename@openssh.com",
    {
      version: "1",
      run: async (fields, context) => {
        const from = path(fields, context);
        await fs.rename(from, path(fields, context));
        return undefined;
      },
    },
  ],
  [
    "hardlink@openssh.com",
    {
      version: "1",
      run: async (fields, context) => {
        const from = path(fields, context);
        await fs.link(from, path(fields, context));
        return undefined;
      },
    },
  ],
  [
    "fsync@openssh.com",
    {
      version: "1",
      run: async (fields, { handles }) => {
        await handles.file(fields.bytes()).file.sync();
        return undefined;
      },
    },
  ],
  [
    "statvfs@openssh.com",
    { version: "2", run: (fields, context) => statvfs(path(fields, context), context) },
  ],
  [
    "fstatvfs@openssh.com",
    {
      version: "2",
      run: (fields, context) =>
        statvfs(Buffer.from(`/proc/self/fd/${context.handles.file(fields.bytes()).file.fd}`), context),
    },
  ],
  [
    "lsetstat@openssh.com",
    {
      version: "1",
      run: async (fields, context) => {
        const target = path(fields, context);
        const { owner, times } = readAttributes(fields);
        // Linux has no permissions on links.
        if (owner !== undefined) await fs.lchown(target, owner.uid, owner.gid);
        if (times !== undefined) await fs.lutimes(target, times.atime, times.mtime);
        return undefined;
      },
    },
  ],
  [
    "limits@openssh.com",
    {
      version: "1",
      run: async (_fields, { id, handles }) =>
        packet(
          packetType.extendedReply,
          u32(id),
          u64(MAX_PACKET_BYTES),
          u64(MAX_DATA_BYTES),
          u64(MAX_DATA_BYTES),
          u64(handles.limit),
        ),
    },
  ],
  [
    "expand-path@openssh.com",
    {
      version: "1",
      run: async (fields, context) => {
        const text = fields.text();
        const expanded = text === "~" || text.startsWith("~/") ? `${context.home}${text.slice(1)}` : text;
        const name = await canonicalPath(absolutePath(context.home, Buffer.from(expanded)));
        return packet(packetType.name, u32(context.id), u32(1), encodeName(name, name, noAttributes));
      },
    },
  ],
  [
    "home-directory",
    {
      version: "1",
      run: async (_fields, { id, home }) => {
        const name = Buffer.from(home);
        return packet(packetType.name, u32(id), u32(1), encodeName(name, name, noAttributes));
      },
    },
  ],
  ["copy-data", { version: "1", run: copyData }],
]);

async function statvfs(target: Buffer, { id }: OperationContext): Promise<Buffer> {
  const stats = await fs.statfs(target);
  const values = [
    stats.bsize,
    stats.bsize,
    stats.blocks,
    stats.bfree,
    stats.bavail,
    stats.files,
    stats.ffree,
    stats.ffree,
    stats.type,
    0,
    MAX_NAME_BYTES,
  ];
  return packet(packetType.extendedReply, u32(id), ...values.map(u64));
}

/** Copies inside the workspace, without the bytes going to the client and back. Length 0 means up to the end. */
async function copyData(fields: FieldReader, { handles }: OperationContext): Promise<undefined> {
  const source = handles.file(fields.bytes());
  let from = Number(fields.u64());
  const length = Number(fields.u64());
  const target = handles.file(fields.bytes());
  let to = Number(fields.u64());
  let left = length === 0 ? Number.POSITIVE_INFINITY : length;
  const buffer = Buffer.allocUnsafe(COPY_CHUNK_BYTES);
  while (left > 0) {
    const { bytesRead } = await source.file.read(buffer, 0, Math.min(left, buffer.byteLength), from);
    if (bytesRead === 0) break;
    for (let done = 0; done < bytesRead; ) {
      done += (await target.file.write(buffer, done, bytesRead - done, to + done)).bytesWritten;
    }
    from += bytesRead;
    to += bytesRead;
    left -= bytesRead;
  }
}
