import type { Keyring } from "../crypto/keyring.ts";
import type { Db, Tx } from "../db/db.ts";

export type VariableValue = { name: string; value: string };

/** A variable of a version with the value that its builds get. */
export type VersionVariable = {
  name: string;
  description: string;
  type: string;
  value: string;
  defaultValue: string;
  required: boolean;
  sensitive: boolean;
};

/** The variables of a version in the order of its files, decrypted. Empty until the import has parsed them. */
export async function readVersionVariables(
  db: Db | Tx,
  keyring: Keyring,
  versionId: string,
): Promise<VersionVariable[]> {
  const rows = await db
    .selectFrom("template_version_variables")
    .selectAll()
    .where("template_version_id", "=", versionId)
    .orderBy("position")
    .execute();
  return rows.map((row) => ({
    name: row.name,
    description: row.description,
    type: row.type,
    value: keyring
      .decrypt(row.value_key_id, row.value, variablePurpose(versionId, row.name))
      .toString("utf8"),
    defaultValue: row.default_value,
    required: row.required,
    sensitive: row.sensitive,
  }));
}

/** Stores what the import found out about a version's variables; a repeated report replaces the former. */
export async function writeVersionVariables(
  tx: Tx,
  keyring: Keyring,
  versionId: string,
  variables: readonly VersionVariable[],
): Promise<void> {
  await tx.deleteFrom("template_version_variables").where("template_version_id", "=", versionId).execute();
  if (variables.length === 0) return;
  const rows = variables.map((variable, position) => {
    const { keyId, data } = keyring.encrypt(
      Buffer.from(variable.value),
      variablePurpose(versionId, variable.name),
    );
    return {
      template_version_id: versionId,
      name: variable.name,
      description: variable.description,
      type: variable.type,
      value: data,
      value_key_id: keyId,
      default_value: variable.defaultValue,
      required: variable.required,
      sensitive: variable.sensitive,
      position,
    };
  });
  await tx.insertInto("template_version_variables").values(rows).execute();
}

/** The values that somebody gave with a version, as they wait in the import job's input: never readable there. */
export type SealedValues = { key_id: string; data: string };

export function sealVariableValues(
  keyring: Keyring,
  versionId: string,
  values: readonly VariableValue[],
): SealedValues {
  const { keyId, data } = keyring.encrypt(Buffer.from(JSON.stringify(values)), sealPurpose(versionId));
  return { key_id: keyId, data: data.toString("base64") };
}

export function openVariableValues(
  keyring: Keyring,
  versionId: string,
  sealed: SealedValues,
): VariableValue[] {
  const plain = keyring.decrypt(sealed.key_id, Buffer.from(sealed.data, "base64"), sealPurpose(versionId));
  // Authenticated: it is what `sealVariableValues` wrote.
  return JSON.parse(plain.toString("utf8")) as VariableValue[];
}

/** What the value of a variable is encrypted for. */
export function variablePurpose(versionId: string, name: string): string {
  return `template_version_variables/${versionId}/${name}`;
}

/** What values that wait in a job are encrypted for. */
export function sealPurpose(versionId: string): string {
  return `template_versions/${versionId}/user_variable_values`;
}
