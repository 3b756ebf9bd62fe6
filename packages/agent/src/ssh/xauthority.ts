import { randomBytes } from "node:crypto";
import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { errorCode } from "../log/log.ts";

/** Displays of this machine, whatever socket leads to them. */
const FAMILY_LOCAL = 256;
const LOCK_ATTEMPTS = 40;
const LOCK_RETRY_MS = 50;
const STALE_LOCK_MS = 10_000;

export type XauthEntry = { family: number; address: string; display: string; name: string; data: Buffer };

/** Puts the cookie for a display of this machine into the file, under the lock that `xauth` uses. */
export async function addXauthEntry(
  path: string,
  options: { hostname: string; display: number; name: string; cookie: Buffer },
): Promise<void> {
  const unlock = await lockXauthority(path);
  try {
    const kept = readEntries(path).filter(
      (entry) =>
        !(
          entry.family === FAMILY_LOCAL &&
          entry.address === options.hostname &&
          entry.display === String(options.display)
        ),
    );
    const own = {
      family: FAMILY_LOCAL,
      address: options.hostname,
      display: String(options.display),
      name: options.name,
      data: options.cookie,
    };
    // Clients read it without a lock: they must never see half a file.
    const temporary = `${path}-${randomBytes(6).toString("hex")}`;
    writeFileSync(temporary, Buffer.concat([own, ...kept].map(encodeEntry)), { mode: 0o600 });
    renameSync(temporary, path);
  } finally {
    unlock();
  }
}

export function readEntries(path: string): XauthEntry[] {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
  const entries: XauthEntry[] = [];
  let at = 0;
  const u16 = () => {
    const value = file.readUInt16BE(at);
    at += 2;
    return value;
  };
  const field = () => {
    const length = u16();
    at += length;
    if (at > file.byteLength) throw new RangeError("truncated");
    return file.subarray(at - length, at);
  };
  try {
    while (at < file.byteLength) {
      const family = u16();
      entries.push({
        family,
        address: field().toString("latin1"),
        display: field().toString("latin1"),
        name: field().toString("latin1"),
        data: Buffer.from(field()),
      });
    }
  } catch {
    // A torn end of file: what came before it is whole.
  }
  return entries;
}

function encodeEntry({ family, address, display, name, data }: XauthEntry): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(family);
  const field = (body: Buffer) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(body.byteLength);
    return Buffer.concat([length, body]);
  };
  const texts = [address, display, name].map((text) => field(Buffer.from(text, "latin1")));
  return Buffer.concat([head, ...texts, field(data)]);
}

/** As libXau does: a file `-c` is made and linked to `-l`, which works on network file systems too. */
async function lockXauthority(path: string): Promise<() => void> {
  const creation = `${path}-c`;
  const link = `${path}-l`;
  for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
    try {
      if (Date.now() - statSync(creation).mtimeMs > STALE_LOCK_MS) {
        rmSync(creation, { force: true });
        rmSync(link, { force: true });
      }
    } catch {
      // No lock.
    }
    try {
      closeSync(openSync(creation, "wx", 0o600));
      linkSync(creation, link);
      return () => {
        rmSync(creation, { force: true });
        rmSync(link, { force: true });
      };
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
      await delay(LOCK_RETRY_MS);
    }
  }
  throw new Error(`${path} stays locked by another program.`);
}
