import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { newEncryptionKey, startCoderServer } from "../harness/coder-server.ts";
import { ledgerTemplate } from "../harness/ledger.ts";
import { createLocalWorkspace } from "../harness/local-workspace.ts";
import { pushTemplate } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";
import { waitForAgent, waitForBuild } from "../harness/workspaces.ts";
import type { Scenario } from "./chaos.ts";
import { startEchoShell } from "./echo-shell.ts";
import { createLedgers } from "./ledgers.ts";
import { startOwnPostgres } from "./own-postgres.ts";
import { signalAll } from "./process-tree.ts";

const awayMs = 30_000;
/** A person waits for an answer, even if it is that there is none. */
const answerMs = 15_000;

/** A Postgres of its own, which can be taken away in the ways in which databases go away. */
export const postgresAway: Scenario = {
  name: "postgres-away",
  title: "Postgres is frozen, stopped and killed in the middle of builds, for 30 s each",
  seconds: 180,
  async run({ random, say, defer }) {
    const dir = await mkdtemp(join(tmpdir(), "slipway-chaos-"));
    defer(() => rm(dir, { recursive: true, force: true }));
    const postgres = await startOwnPostgres(dir);
    defer(() => postgres.stop());
    const ledgers = await createLedgers(3, defer);
    const server = await startCoderServer({
      env: {
        CODER_PG_CONNECTION_URL: postgres.url,
        CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: newEncryptionKey(),
      },
    });
    defer(() => server.close());
    const { owner } = server;
    const local = await createLocalWorkspace(server);
    const template = await pushTemplate(owner, "ledger", ledgerTemplate);
    const shell = await startEchoShell(server, defer);

    const ways: Record<string, () => Promise<() => Promise<void>>> = {
      async frozen() {
        const processes = await postgres.processes();
        signalAll(processes, "SIGSTOP");
        return async () => signalAll(processes, "SIGCONT");
      },
      async stopped() {
        await postgres.stop();
        return postgres.start;
      },
      async killed() {
        signalAll((await postgres.processes()).slice(0, 1), "SIGKILL");
        // It comes back by itself, after recovery.
        return async () => {};
      },
    };
    for (const [way, takeAway] of Object.entries(ways)) {
      const { ledger, buildId } = await ledgers.begin(owner, template.id, way);
      const moment = Math.round(random() * 6_000);
      await delay(moment);
      const giveBack = await takeAway();
      const goneMs = performance.now();
      if (way !== "killed") {
        const asked = await fetch(`${server.url}/api/v2/workspaces`, {
          headers: { "Coder-Session-Token": server.ownerToken },
          signal: AbortSignal.timeout(answerMs),
        });
        say(`${way}, ${moment} ms into the step: ${asked.status} after ${since(goneMs)}`);
        assert.equal(asked.status, 503);
        assert.match(String(asked.headers.get("retry-after")), /^\d+$/);
        assert.deepEqual(Object.keys((await asked.json()) as object), ["message"]);
      }
      await shell.type(`while it is ${way}`);
      const remainingMs = awayMs - (performance.now() - goneMs);
      await delay(remainingMs / 2);
      // The build makes its last steps while nobody can be told of them.
      await ledger.openGate();
      await waitFor("the last step", async () => (await ledger.lines()).includes("create three"));
      await delay(remainingMs / 2);
      await giveBack();
      const backMs = performance.now();
      const ended = await waitForBuild(owner, buildId);
      say(`${way}: the build ${ended.job.status} ${since(backMs)} after its return`);
      assert.equal(ended.job.status, "succeeded", ended.job.error);
      assert.deepEqual(await ledger.lines(), ["create one", "begin two", "create two", "create three"]);
      await waitForAgent(owner, local.id);
      await shell.type(`after it was ${way}`);
    }
    assert.equal(shell.child.exitCode, null);
  },
};

const since = (ms: number) => `${((performance.now() - ms) / 1000).toFixed(1)} s`;
