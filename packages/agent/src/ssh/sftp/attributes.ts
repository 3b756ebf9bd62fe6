import type { Stats } from "node:fs";
import { type FieldReader, field, u32, u64 } from "./wire.ts";

const flag = { size: 1, owner: 2, permissions: 4, times: 8, extended: 0x80000000 } as const;

export type Attributes = {
  size?: number;
  owner?: { uid: number; gid: number };
  permissions?: number;
  times?: { atime: number; mtime: number };
};

export function readAttributes(fields: FieldReader): Attributes {
  const flags = fields.u32();
  const attributes: Attributes = {};
  if (flags & flag.size) attributes.size = Number(fields.u64());
  if (flags & flag.owner) attributes.owner = { uid: fields.u32(), gid: fields.u32() };
  if (flags & flag.permissions) attributes.permissions = fields.u32() & 0o7777;
  if (flags & flag.times) attributes.times = { atime: fields.u32(), mtime: fields.u32() };
  if (flags & flag.extended) {
    for (let count = fields.u32(); count > 0; count--) {
      fields.bytes();
      fields.bytes();
    }
  }
  return attributes;
}

export function encodeAttributes(stats: Stats): Buffer {
  return Buffer.concat([
    u32(flag.size | flag.owner | flag.permissions | flag.times),
    u64(stats.size),
    u32(stats.uid),
    u32(stats.gid),
    u32(stats.mode),
    u32(Math.max(0, stats.atimeMs / 1000)),
    u32(Math.max(0, stats.mtimeMs / 1000)),
  ]);
}

/** An entry of a NAME answer: file name, the line that `ls -l` would print, attributes. */
export function encodeName(name: Buffer, longName: Buffer, attributes: Buffer): Buffer {
  return Buffer.concat([field(name), field(longName), attributes]);
}

/** NAME answers to questions about paths carry no attributes. */
export const noAttributes: Buffer = u32(0);
