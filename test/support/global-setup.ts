import { startTestPostgres } from "../../packages/server/src/db/testing/test-postgres.ts";

/** One Postgres for the whole run; `createTestDatabase` finds it by this variable, which the workers inherit. */
export default async function setup(): Promise<() => Promise<void>> {
  const postgres = await startTestPostgres();
  process.env.SLIPWAY_TEST_PG = postgres.url;
  return postgres.stop;
}
