import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import type { Keyring } from "./keyring.ts";
import { KeyringError } from "./keyring-error.ts";
import { lockNext, type SecretPlace, secretPlaces, whereRow } from "./stored-secrets.ts";

/** A server that was heard of since then counts as running. */
const aliveForMs = 20_000;
/** Rows may be written under a former key while we pass over them; a server that goes on doing so is an error. */
const maxPasses = 5;

/**
 * Refuses while a server runs that cannot know the new key: it could read nothing of what is encrypted from now on.
 * A server that was started with the new key has entered it into the database.
 */
export async function refuseOldServers(db: Db, keyId: string): Promise<void> {
  const { rows } = await sql<{ hostname: string }>`
    select distinct hostname from replicas
    where seen_at > now() - ${aliveForMs} * interval '1 millisecond'
      and started_at < coalesce((select created_at from encryption_keys where key_id = ${keyId}), 'infinity')`.execute(
    db,
  );
  if (rows.length === 0) return;
  throw new KeyringError(
    `The server on ${rows.map(({ hostname }) => hostname).join(", ")} runs without the new key ${keyId}. Stop it; or ` +
      "restart it with the new key first and the former ones after it in CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS, and " +
      `rotate then. (One that was killed is forgotten after ${aliveForMs / 1000} s.)`,
  );
}

/**
 * Encrypts everything that other keys encrypted with the keyring's first one, in small transactions: interrupted, it
 * goes on where it was. Former keys that encrypt nothing any more are forgotten, so that the server starts without
 * them. Returns how many values it encrypted anew.
 */
export async function rotateSecrets(
  db: Db,
  keyring: Keyring,
  options: { signal?: AbortSignal; onProgress?: (table: string, values: number) => void } = {},
): Promise<number> {
  let total = 0;
  for (let pass = 0; pass < maxPasses; pass++) {
    let found = 0;
    for (const place of secretPlaces) {
      const values = await rotatePlace(db, keyring, place, options.signal);
      found += values;
      if (values > 0) options.onProgress?.(place.table, values);
    }
    total += found;
    if (found === 0 && (await forgetFormerKeys(db, keyring))) return total;
  }
  throw new KeyringError(
    "A running server goes on encrypting with a former key. Restart it with the new key first in " +
      "CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS, then rotate again.",
  );
}

async function rotatePlace(
  db: Db,
  keyring: Keyring,
  place: SecretPlace,
  signal: AbortSignal | undefined,
): Promise<number> {
  const [currentId = ""] = keyring.keyIds;
  let count = 0;
  let after: readonly string[] | null = null;
  for (;;) {
    signal?.throwIfAborted();
    const from = after;
    const rows = await db.transaction().execute(async (tx) => {
      const batch = await lockNext(tx, place, currentId, from);
      for (const { row, keyId, data, extra } of batch) {
        const purpose = place.purpose(row, extra);
        const { keyId: newKeyId, data: newData } = keyring.encrypt(
          decrypt(keyring, { keyId, data }, purpose, `${place.table} ${row.join(" ")}`),
          purpose,
        );
        await sql`update ${sql.table(place.table)} set ${place.set(newKeyId, newData)} where ${whereRow(place, row)}`.execute(
          tx,
        );
      }
      return batch;
    });
    count += rows.length;
    const last = rows.at(-1);
    if (last === undefined) return count;
    after = last.row;
  }
}

function decrypt(
  keyring: Keyring,
  { keyId, data }: { keyId: string; data: Buffer },
  purpose: string,
  where: string,
): Buffer {
  try {
    return keyring.decrypt(keyId, data, purpose);
  } catch (err) {
    throw new KeyringError(`A value in ${where} cannot be decrypted: ${String(err)}`);
  }
}

/** False: something was written under one of them meanwhile. */
async function forgetFormerKeys(db: Db, keyring: Keyring): Promise<boolean> {
  const [currentId = ""] = keyring.keyIds;
  try {
    await db.deleteFrom("encryption_keys").where("key_id", "<>", currentId).execute();
    return true;
  } catch (err) {
    // foreign_key_violation: the database itself knows what refers to a key.
    if (err instanceof Error && "code" in err && err.code === "23503") return false;
    throw err;
  }
}

/** How much a table holds that these keys do not decrypt. */
export type LostSecrets = { table: string; values: number };

/** Counts what none of the keys decrypts. */
export async function countLostSecrets(db: Db, keyIds: readonly string[]): Promise<LostSecrets[]> {
  const lost: LostSecrets[] = [];
  for (const place of secretPlaces) {
    const { rows } = await sql<{ values: number }>`
      select count(*)::int as values from ${sql.table(place.table)}
      where ${place.keyId} <> all (${keyIds})`.execute(db);
    lost.push({ table: place.table, values: rows[0]?.values ?? 0 });
  }
  return lost;
}

/** Deletes what none of the keys decrypts, and forgets the lost keys: all of it, or nothing. */
export async function deleteLostSecrets(db: Db, keyIds: readonly string[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    for (const place of secretPlaces) {
      const isLost = sql`${place.keyId} <> all (${keyIds})`;
      // Of a job only its values go.
      await (place.table === "provisioner_jobs"
        ? sql`update provisioner_jobs set input = input - 'user_variable_values' where ${isLost}`
        : sql`delete from ${sql.table(place.table)} where ${isLost}`
      ).execute(tx);
    }
    await sql`delete from encryption_keys where key_id <> all (${keyIds})`.execute(tx);
  });
}
