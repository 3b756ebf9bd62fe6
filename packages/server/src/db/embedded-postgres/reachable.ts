import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Account } from "./account.ts";

const mayRead = 4;
const mayEnter = 1;

/** Whether `account` may enter every directory above `path`, and enter (a directory) or read (a file) `path`. */
export async function isReachable(path: string, account: Account): Promise<boolean> {
  let current = await realpath(path);
  const isDirectory = (await stat(current)).isDirectory();
  if (!(await allows(current, account, isDirectory ? mayEnter : mayRead))) return false;
  while (current !== dirname(current)) {
    current = dirname(current);
    if (!(await allows(current, account, mayEnter))) return false;
  }
  return true;
}

async function allows(path: string, account: Account, bit: number): Promise<boolean> {
  const { uid, gid, mode } = await stat(path);
  const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
  return (mode & (bit << shift)) !== 0;
}
