import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { type CuttableProxy, startCuttableProxy } from "../harness/cuttable-proxy.ts";
import type { ExternalDaemon } from "../harness/external-daemon.ts";
import { waitForBuild } from "../harness/workspaces.ts";
import { type CuttablePostgres, cuttablePostgres } from "../provisioning/cuttable-postgres.ts";
import type { Chaos } from "./chaos.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { lostBuild, type Wreck } from "./lost-builds.ts";
import { isRunning, terraformOf } from "./process-tree.ts";

/** Two servers of one deployment: the fleet's own, and one that can lose the database. */
type Pair = Fleet & { second: CoderServer; database: CuttablePostgres };
/** It comes to its server through something that may lead to the other one, as a load balancer does. */
type Balanced = ExternalDaemon & { balancer: CuttableProxy };

async function startPair(defer: Chaos["defer"]): Promise<Pair> {
  const fleet = await startFleet(defer);
  const database = cuttablePostgres();
  defer(() => database.close());
  const second = await startCoderServer({
    ownerToken: fleet.server.ownerToken,
    env: { ...fleet.serverEnv, CODER_PG_CONNECTION_URL: await database.url(fleet.databaseUrl) },
  });
  defer(() => second.close());
  return { ...fleet, second, database };
}

async function startBalanced(fleet: Pair, defer: Chaos["defer"]): Promise<Balanced> {
  const balancer = await startCuttableProxy(fleet.second.url);
  defer(() => balancer.close());
  return { ...(await fleet.startDaemon({ url: balancer.url })), balancer };
}

/** The server of the daemon stays without its database for as long as the build lasts. */
async function loseDatabase({ fleet, daemon, buildId }: Wreck<Pair, Balanced>) {
  await fleet.database.cut();
  return async () => {
    await waitForBuild(fleet.server.owner, buildId);
    await fleet.database.restore();
    return daemon;
  };
}

export const replicaLeft = lostBuild<Pair, Balanced>({
  name: "replica-left",
  title: "one of two servers loses the database; its daemon goes on with the other",
  share: 25,
  seconds: 9,
  startFleet: startPair,
  startDaemon: startBalanced,
  holdMs: 1_000,
  outcome: "succeeds",
  async strike(wreck) {
    const { daemon, fleet } = wreck;
    daemon.balancer.target = fleet.server.url;
    const mend = await loseDatabase(wreck);
    return async () => {
      await mend();
      // The next run begins with the other one again, by a connection of its own.
      daemon.balancer.target = fleet.second.url;
      daemon.balancer.cut();
      daemon.balancer.mend();
      return daemon;
    };
  },
});

export const replicaAway = lostBuild<Pair, Balanced>({
  name: "replica-away",
  title: "one of two servers loses the database; it does not hold the lease of a daemon that knows no other",
  share: 20,
  seconds: 10,
  startFleet: startPair,
  startDaemon: startBalanced,
  holdMs: 20_000,
  outcome: "fails",
  async strike(wreck) {
    const terraform = terraformOf(wreck.daemon);
    const mend = await loseDatabase(wreck);
    return async () => {
      await delay(wreck.fleet.leaseMs);
      assert.deepEqual(
        terraform.filter(({ pid }) => isRunning(pid)),
        [],
        "Terraform outlives its lease.",
      );
      return mend();
    };
  },
});
