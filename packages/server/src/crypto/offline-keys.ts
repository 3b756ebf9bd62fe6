import { createDb, type Db } from "../db/db.ts";
import { migrate } from "../db/migrate.ts";
import { addKeyToFile, keepFirstKey } from "./key-file.ts";
import { checkKeyring, type KeySource, loadKeyring } from "./load-keyring.ts";
import {
  countLostSecrets,
  deleteLostSecrets,
  type LostSecrets,
  refuseOldServers,
  rotateSecrets,
} from "./rotate-secrets.ts";

export type OfflineKeyOptions = KeySource & { databaseUrl: string };
export type RotateOptions = OfflineKeyOptions & {
  signal?: AbortSignal;
  onProgress?: (table: string, values: number) => void;
};
export type Rotated = { keyId: string; values: number };

/**
 * Encrypts all secrets with the first of the configured keys; with none configured, with a new key that takes the
 * place of the key file's.
 */
export async function rotateKeys(options: RotateOptions): Promise<Rotated> {
  const { configured, keyFile } = options;
  if (configured.length > 0 || keyFile === undefined) return rotate(options);
  return withDb(options.databaseUrl, async (db) => {
    // First into the file: what a key encrypts must never be without it.
    const keyId = await addKeyToFile(keyFile, (newKeyId) => refuseOldServers(db, newKeyId));
    const rotated = await rotate(options);
    await keepFirstKey(keyFile);
    return { ...rotated, keyId };
  });
}

/** Encrypts all secrets with the key file's key, so that none need be configured. Only beside the built-in Postgres. */
export async function returnToKeyFile(options: RotateOptions & { keyFile: string }): Promise<Rotated> {
  return rotate({ ...options, preferKeyFile: true });
}

async function rotate(options: RotateOptions): Promise<Rotated> {
  const keyring = await loadKeyring(options);
  const [keyId = ""] = keyring.keyIds;
  return withDb(options.databaseUrl, async (db) => {
    await refuseOldServers(db, keyId);
    await checkKeyring(db, keyring);
    return { keyId, values: await rotateSecrets(db, keyring, options) };
  });
}

/** Counts what the keys do not decrypt; without any key, all secrets there are. */
export async function countLost({ databaseUrl, ...source }: OfflineKeyOptions): Promise<LostSecrets[]> {
  const keyIds = await presentKeyIds(source);
  return withDb(databaseUrl, (db) => countLostSecrets(db, keyIds));
}

/** Deletes what the keys do not decrypt. The server starts then, with these keys or new ones. */
export async function deleteLost({ databaseUrl, ...source }: OfflineKeyOptions): Promise<void> {
  const keyIds = await presentKeyIds(source);
  await withDb(databaseUrl, (db) => deleteLostSecrets(db, keyIds));
}

async function presentKeyIds(source: KeySource): Promise<readonly string[]> {
  // An external database with no key at all is what this is for, too.
  if (source.configured.length === 0 && source.keyFile === undefined) return [];
  return (await loadKeyring(source)).keyIds;
}

async function withDb<T>(url: string, work: (db: Db) => Promise<T>): Promise<T> {
  await migrate(url);
  // Large states on slow disks take longer than a request may.
  const db = createDb({ url, maxOpen: 2, statementTimeoutMs: 600_000 });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}
