import { readFile } from "node:fs/promises";
import type { StateSnapshot } from "../engine.ts";

/**
 * Reads a state as Terraform wrote it. Null for whatever is not a whole one: the file is rewritten in place,
 * so a read may be torn or empty (architecture.md, "State files").
 */
export function parseStateSnapshot(bytes: Uint8Array): StateSnapshot | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const { lineage, serial, version } = parsed as Record<string, unknown>; // Checked right below.
  if (typeof lineage !== "string" || typeof serial !== "number" || typeof version !== "number") return null;
  return { bytes, lineage, serial };
}

export async function readStateSnapshot(file: string): Promise<StateSnapshot | null> {
  try {
    return parseStateSnapshot(await readFile(file));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Whether `next` follows `previous`: of the same lineage, and written later. */
export function supersedes(next: StateSnapshot, previous: StateSnapshot | null): boolean {
  return previous === null || (next.lineage === previous.lineage && next.serial > previous.serial);
}

/** Whether a state holds anything that could be destroyed. */
export function holdsResources(bytes: Uint8Array): boolean {
  if (bytes.byteLength === 0) return false;
  const parsed: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  if (typeof parsed !== "object" || parsed === null || !("resources" in parsed)) return false;
  return Array.isArray(parsed.resources) && parsed.resources.some((resource) => resource?.mode === "managed");
}
