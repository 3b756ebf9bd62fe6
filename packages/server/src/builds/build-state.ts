import type { Keyring } from "../crypto/keyring.ts";
import type { Db, Tx } from "../db/db.ts";

/** What Terraform reached in one build; every build has a copy of its own, made when it is queued. */
export type BuildState = { state: Buffer; lineage: string; serial: number };

export async function readBuildState(
  db: Db | Tx,
  keyring: Keyring,
  buildId: string,
): Promise<BuildState | null> {
  const row = await db
    .selectFrom("workspace_build_states")
    .selectAll()
    .where("build_id", "=", buildId)
    .executeTakeFirst();
  if (!row) return null;
  const state = keyring.decrypt(row.key_id, row.state, purpose(buildId));
  return { state, lineage: row.lineage, serial: row.serial };
}

export async function writeBuildState(
  db: Db | Tx,
  keyring: Keyring,
  buildId: string,
  { state, lineage, serial }: { state: Uint8Array; lineage: string; serial: number },
  now: Date,
): Promise<void> {
  const { keyId, data } = keyring.encrypt(state, purpose(buildId));
  const values = { state: data, key_id: keyId, lineage, serial, updated_at: now };
  await db
    .insertInto("workspace_build_states")
    .values({ build_id: buildId, ...values })
    .onConflict((conflict) => conflict.column("build_id").doUpdateSet(values))
    .execute();
}

/** Reads what somebody hands in as a state file; `null` when it is none. */
export function parseState(state: Uint8Array): BuildState | null {
  const empty = { state: Buffer.from(state), lineage: "", serial: 0 };
  if (state.length === 0) return empty;
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(state));
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return null;
    const lineage = "lineage" in parsed && typeof parsed.lineage === "string" ? parsed.lineage : "";
    const serial = "serial" in parsed && Number.isSafeInteger(parsed.serial) ? Number(parsed.serial) : 0;
    return { ...empty, lineage, serial };
  } catch {
    return null; // Not JSON: the caller refuses it by name.
  }
}

function purpose(buildId: string): string {
  return `workspace_build_states/${buildId}`;
}
