import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentStatus, inactiveAfterMs } from "../agents/agent-status.ts";
import { createDb, type Db } from "../db/db.ts";
import { createTestDatabase, type TestDatabase } from "../db/testing/test-database.ts";
import { agentStatusIn } from "./agent-status-sql.ts";
import { jobStatuses, transitions, workspaceStatus, workspaceStatusIn } from "./workspace-status.ts";

const statuses = [
  ...new Set(transitions.flatMap((each) => jobStatuses.map((job) => workspaceStatus(each, job)))),
];

const agentStatuses = ["connecting", "timeout", "disconnected", "connected"] as const;

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

test("a workspace's status is the same in SQL as in code", async () => {
  for (const transition of transitions) {
    for (const job of jobStatuses) {
      const { rows } = await sql<{ status: string }>`select status from unnest(${statuses}::text[]) as status,
        (select ${transition}::text as transition, ${job}::text as job) b
        where ${sql.join(
          statuses.map(
            (each) =>
              sql`(status = ${each} and ${workspaceStatusIn([each], sql.ref("b.transition"), sql.ref("b.job"))})`,
          ),
          sql` or `,
        )}`.execute(db);
      expect(rows).toEqual([{ status: workspaceStatus(transition, job) }]);
    }
  }
});

test("an agent's status is the same in SQL as in code", async () => {
  const now = new Date("2030-01-01T12:00:00Z");
  const ago = (ms: number) => new Date(now.getTime() - ms);
  const times = [null, ago(1_000), ago(inactiveAfterMs - 1), ago(inactiveAfterMs + 1), ago(600_000)];
  for (const created_at of [ago(1_000), ago(600_000)]) {
    for (const connection_timeout_seconds of [0, 120]) {
      for (const last_connected_at of times) {
        for (const disconnected_at of times) {
          const first_connected_at = last_connected_at;
          const agent = {
            created_at,
            connection_timeout_seconds,
            first_connected_at,
            last_connected_at,
            disconnected_at,
          };
          const { rows } = await sql<{
            status: string;
          }>`select status from unnest(${agentStatuses}::text[]) as status, (select
            ${created_at}::timestamptz as created_at, ${connection_timeout_seconds}::int as connection_timeout_seconds,
            ${first_connected_at}::timestamptz as first_connected_at, ${last_connected_at}::timestamptz as last_connected_at,
            ${disconnected_at}::timestamptz as disconnected_at) a
            where ${sql.join(
              agentStatuses.map((each) => sql`(status = ${each} and ${agentStatusIn([each], "a", now)})`),
              sql` or `,
            )}`.execute(db);
          expect({ agent, rows }).toEqual({ agent, rows: [{ status: agentStatus(agent, now) }] });
        }
      }
    }
  }
});
