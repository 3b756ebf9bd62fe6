import { type RawBuilder, sql } from "kysely";
import type { Tx } from "../db/db.ts";
import { sealPurpose, variablePurpose } from "../templates/version-variables.ts";

/** One encrypted value as it is stored. */
export type StoredSecret = { row: readonly string[]; keyId: string; data: Buffer };

/** A place where encrypted values are stored: whoever adds such a column adds it here. */
export type SecretPlace = {
  table: string;
  /** The columns that name a row, in the order of its primary key. */
  row: readonly string[];
  /** Expressions for key and value, as a query gives them. */
  keyId: RawBuilder<string>;
  data: RawBuilder<Buffer>;
  /** What the value was encrypted for (see `Keyring.encrypt`). */
  purpose(row: readonly string[], extra: string | null): string;
  /** A further column that the purpose needs. */
  extra?: RawBuilder<string>;
  set(keyId: string, data: Buffer): RawBuilder<unknown>;
  /** So many rows are held in memory, and locked, at a time. */
  batchRows: number;
};

// States may have megabytes each, all the others are small.
const batchRows = { large: 8, small: 200 };

export const secretPlaces: readonly SecretPlace[] = [
  column("workspace_build_states", ["build_id"], "state", "key_id", batchRows.large),
  column("workspace_kept_states", ["id"], "state", "key_id", batchRows.large),
  column("git_ssh_keys", ["user_id"], "private_key", "private_key_id", batchRows.small),
  {
    ...column(
      "template_version_variables",
      ["template_version_id", "name"],
      "value",
      "value_key_id",
      batchRows.small,
    ),
    purpose: ([versionId = "", name = ""]) => variablePurpose(versionId, name),
  },
  // What waits in the input of imports and dry runs.
  {
    table: "provisioner_jobs",
    row: ["id"],
    keyId: sql<string>`input #>> '{user_variable_values,key_id}'`,
    data: sql<Buffer>`decode(input #>> '{user_variable_values,data}', 'base64')`,
    extra: sql<string>`input ->> 'template_version_id'`,
    purpose: (_row, versionId) => sealPurpose(versionId ?? ""),
    set: (keyId, data) =>
      sql`input = jsonb_set(input, '{user_variable_values}', ${JSON.stringify({ key_id: keyId, data: data.toString("base64") })}::jsonb)`,
    batchRows: batchRows.small,
  },
];

function column(table: string, row: string[], data: string, keyId: string, rows: number): SecretPlace {
  return {
    table,
    row,
    keyId: sql.ref<string>(keyId),
    data: sql.ref<Buffer>(data),
    purpose: (names) => `${table}/${names.join("/")}`,
    set: (newKeyId, newData) => sql`${sql.ref(data)} = ${newData}, ${sql.ref(keyId)} = ${newKeyId}`,
    batchRows: rows,
  };
}

/** The next rows after `after` that another key than `keyId` encrypted, locked until the transaction ends. */
export async function lockNext(
  tx: Tx,
  place: SecretPlace,
  keyId: string,
  after: readonly string[] | null,
): Promise<(StoredSecret & { extra: string | null })[]> {
  const names = sql.join(place.row.map((name) => sql.ref(name)));
  const beyond = after === null ? sql`true` : sql`(${names}) > (${sql.join(after)})`;
  const { rows } = await sql<{ row: string[]; keyId: string; data: Buffer; extra: string | null }>`
    select array[${sql.join(place.row.map((name) => sql`${sql.ref(name)}::text`))}] as row,
      ${place.keyId} as "keyId", ${place.data} as data, ${place.extra ?? sql`null`} as extra
    from ${sql.table(place.table)}
    where ${place.keyId} <> ${keyId} and ${beyond}
    order by ${names} limit ${place.batchRows} for update`.execute(tx);
  return rows;
}

/** Where a row is: the condition that names it. */
export function whereRow(place: SecretPlace, row: readonly string[]): RawBuilder<boolean> {
  const conditions = place.row.map((name, index) => sql`${sql.ref(name)} = ${row[index]}`);
  return sql<boolean>`${sql.join(conditions, sql` and `)}`;
}
