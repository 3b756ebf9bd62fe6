import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { keyIdOf } from "./keyring.ts";
import { KeyringError } from "./keyring-error.ts";

/**
 * The keys in a file, a line each: the first encrypts, all decrypt. There is one, but while a rotation is on its way.
 * Null: there is no file.
 */
export async function readKeyFile(path: string): Promise<Buffer[] | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (err) {
    if (err instanceof Error && "code" in err && err.code === "ENOENT") return null;
    throw err;
  }
  const keys = text
    .trim()
    .split("\n")
    .map((line) => Buffer.from(line.trim(), "base64"));
  if (keys.every((key) => key.length === 32)) return keys;
  throw new KeyringError(`${path} does not hold keys of 32 bytes in base64. Restore it from your backup.`);
}

/** As `readKeyFile`; a file that is missing is made, with a new key. */
export async function readOrMakeKeyFile(path: string): Promise<Buffer[]> {
  const present = await readKeyFile(path);
  if (present) return present;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const key = randomBytes(32);
  try {
    await writeKeys(path, [key], "wx");
    return [key];
  } catch (err) {
    if (!(err instanceof Error && "code" in err && err.code === "EEXIST")) throw err;
    const made = await readKeyFile(path);
    if (made) return made;
    throw err;
  }
}

/**
 * Puts a new key before those of the file, unless an interrupted rotation has done so. Returns its id; `check` may
 * refuse it before anything is written.
 */
export async function addKeyToFile(path: string, check: (keyId: string) => Promise<void>): Promise<string> {
  const keys = await readOrMakeKeyFile(path);
  const isResumed = keys.length > 1;
  const key = isResumed && keys[0] ? keys[0] : randomBytes(32);
  const keyId = keyIdOf(key);
  await check(keyId);
  if (!isResumed) await replaceKeys(path, [key, ...keys]);
  return keyId;
}

/** The others have encrypted nothing that is left. */
export async function keepFirstKey(path: string): Promise<void> {
  const [first] = await readOrMakeKeyFile(path);
  if (first) await replaceKeys(path, [first]);
}

/** At no moment is there a file without all that is needed. */
async function replaceKeys(path: string, keys: readonly Buffer[]): Promise<void> {
  const next = `${path}.new`;
  await writeKeys(next, keys, "w");
  await rename(next, path);
}

async function writeKeys(path: string, keys: readonly Buffer[], flag: "w" | "wx"): Promise<void> {
  const file = await open(path, flag, 0o600);
  try {
    await file.writeFile(keys.map((key) => `${key.toString("base64")}\n`).join(""));
    // A key that is lost in a power cut takes every secret with it.
    await file.sync();
  } finally {
    await file.close();
  }
}
