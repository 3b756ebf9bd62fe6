import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDb, type Db } from "./db.ts";
import { migrate, SchemaTooNewError } from "./migrate.ts";
import { createTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDb({ url: database.url });
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

type Column = { table: string; name: string; kind: string; nullable: boolean };

test("the types of the tables say what the tables are", async () => {
  const { rows } = await sql<Column>`
    select table_name as table, column_name as name, is_nullable = 'YES' as nullable,
      case when data_type = 'ARRAY' then udt_name else data_type end as kind
    from information_schema.columns
    where table_schema = 'public' and table_name <> 'schema_migrations'`.execute(db);
  const actual = rows.map(
    ({ table, name, kind, nullable }) => `${table}.${name}: ${typeScript(kind)}${nullable ? " | null" : ""}`,
  );
  expect((await declared()).sort()).toEqual(actual.sort());
});

const typeOfKind: Record<string, string> = {
  uuid: "string",
  text: "string",
  inet: "string",
  boolean: "boolean",
  integer: "number",
  smallint: "number",
  bigint: "number",
  bytea: "Bytes",
  jsonb: "Json",
  _text: "string[]",
  "timestamp with time zone": "Date",
};

const typeScript = (kind: string) => typeOfKind[kind] ?? `no type for ${kind}`;

/** Reads the declarations as text: types are gone at run time. */
async function declared(): Promise<string[]> {
  const columns: string[] = [];
  for (const file of ["identity", "templates", "workspaces"]) {
    const text = await readFile(join(import.meta.dirname, `schema/${file}.ts`), "utf8");
    const types = new Map(
      Array.from(
        text.matchAll(/export type (\w+Table) = \{\n([\s\S]*?)\n\};/g),
        ([, name = "", body = ""]) => [name, body],
      ),
    );
    const tables = /export type \w+Tables = \{\n([\s\S]*?)\n\};/.exec(text)?.[1] ?? "";
    for (const [, table, type = ""] of tables.matchAll(/(\w+): (\w+);/g)) {
      const body = (types.get(type) ?? "").replace(/\n {4}/g, " ").replace(/\n {2}>/g, ">");
      for (const [, name, declaration = ""] of body.matchAll(/^ {2}(\w+):\s*([^;]+);/gm)) {
        columns.push(`${table}.${name}: ${simplified(declaration)}`);
      }
    }
  }
  return columns;
}

/** `Generated<"a" | "b">` is a string column, whatever the words. */
function simplified(declaration: string): string {
  const plain = declaration.replace(/^Generated(?:Always)?<\s*([\s\S]*?)\s*>$/, "$1").trim();
  if (/^NullableJson</.test(plain)) return "Json | null";
  if (/^(?:Default)?Json</.test(plain)) return "Json";
  if (plain === "NullableBytes") return "Bytes | null";
  const nullable = /\| null$/.test(plain);
  const rest = plain.replace(/\s*\| null$/, "");
  const type = /^\|?\s*"/.test(rest) ? "string" : rest;
  return type + (nullable ? " | null" : "");
}

test("values come back as JavaScript has them", async () => {
  const { rows } = await sql<Record<string, unknown>>`
    select 9007199254740991::bigint as big, '{"a": [1]}'::jsonb as json, '{x,y}'::text[] as list,
      '2026-01-31T09:00:00.123Z'::timestamptz as time, '\\x00ff'::bytea as bytes`.execute(db);
  expect(rows[0]).toEqual({
    big: Number.MAX_SAFE_INTEGER,
    json: { a: [1] },
    list: ["x", "y"],
    time: new Date("2026-01-31T09:00:00.123Z"),
    bytes: Buffer.of(0, 255),
  });
});

test("replicas that start together migrate one after the other", async () => {
  const empty = await createTestDatabase({ migrated: false });
  try {
    const versions = await Promise.all([1, 2, 3].map(() => migrate(empty.url)));
    expect(new Set(versions).size).toBe(1);
    expect(versions[0]).toBeGreaterThanOrEqual(3);
  } finally {
    await empty.drop();
  }
});

test("a database of a newer program is refused, naming both versions", async () => {
  const newest = await migrate(database.url);
  await sql`insert into schema_migrations (version, name) values (${newest + 6}, '9999_future')`.execute(db);
  const refusal = await migrate(database.url).catch((err: unknown) => err);
  expect(refusal).toBeInstanceOf(SchemaTooNewError);
  expect(String(refusal)).toContain(`version ${newest + 6}`);
  expect(String(refusal)).toContain(`up to ${newest}`);
});
