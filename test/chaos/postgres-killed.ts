import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { migrate } from "../../packages/server/src/db/migrate.ts";
import type { ExternalDaemon } from "../harness/external-daemon.ts";
import type { Chaos } from "./chaos.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { lostBuild } from "./lost-builds.ts";
import { type OwnPostgres, startOwnPostgres } from "./own-postgres.ts";

async function startFleetOnPostgres(defer: Chaos["defer"]): Promise<Fleet & { postgres: OwnPostgres }> {
  const dir = await mkdtemp(join(tmpdir(), "slipway-chaos-"));
  defer(() => rm(dir, { recursive: true, force: true }));
  const postgres = await startOwnPostgres(dir);
  defer(() => postgres.stop());
  await migrate(postgres.url);
  return { ...(await startFleet(defer, { databaseUrl: postgres.url })), postgres };
}

export const postgresKilled = lostBuild<Fleet & { postgres: OwnPostgres }, ExternalDaemon>({
  name: "postgres-killed",
  title:
    "kill -9 of Postgres, which is back soon after a lease at the latest; the build of an external daemon goes on",
  share: 40,
  seconds: 9,
  startFleet: startFleetOnPostgres,
  outcome: "succeeds",
  endsAfter: "mend",
  async strike({ chaos, fleet, daemon }) {
    await fleet.postgres.kill();
    const awayMs = 1.5 * fleet.leaseMs * chaos.random() ** 2;
    return async () => {
      await delay(awayMs);
      await fleet.postgres.start();
      return daemon;
    };
  },
});
