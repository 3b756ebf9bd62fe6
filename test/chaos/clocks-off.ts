import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createTestDatabase } from "../../packages/server/src/db/testing/test-database.ts";
import { newEncryptionKey, startCoderServer } from "../harness/coder-server.ts";
import { ledgerTemplate } from "../harness/ledger.ts";
import { createLocalWorkspace } from "../harness/local-workspace.ts";
import { pushTemplate } from "../harness/template.ts";
import { build, getAgent, waitForAgent, waitForBuild } from "../harness/workspaces.ts";
import type { Scenario } from "./chaos.ts";
import { startEchoShell } from "./echo-shell.ts";
import { createLedgers } from "./ledgers.ts";

const library = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
  .map((platform) => `/usr/lib/${platform}/faketime/libfaketimeMT.so.1`)
  .find(existsSync);
/** Longer than libfaketime keeps what it read, and than a job's lease. */
const settleMs = 20_000;
const offsets = { ahead: "+3600", behind: "-3600", right: "+0" };
/** A job whose daemon has died ends within this. */
const reapedMs = 30_000;

/** Server and built-in daemons share a clock that is not the database's or the agent's, and that is set meanwhile. */
export const clocksOff: Scenario = {
  name: "clocks-off",
  title: "the clock of server and daemons is set an hour ahead, then an hour back",
  seconds: 240,
  whyNot: () => (library === undefined ? "libfaketime is not installed (Debian: faketime)" : null),
  async run({ say, defer }) {
    const dir = await mkdtemp(join(tmpdir(), "slipway-chaos-"));
    defer(() => rm(dir, { recursive: true, force: true }));
    const clock = join(dir, "clock");
    const setClock = async (offset: string) => {
      await writeFile(`${clock}.new`, `${offset}\n`);
      await rename(`${clock}.new`, clock);
    };
    await setClock(offsets.right);
    // Older than the server, which destroys their steps.
    const ledgers = await createLedgers(2 * Object.keys(offsets).length, defer);
    const database = await createTestDatabase({ migrated: false });
    defer(() => database.drop());
    const server = await startCoderServer({
      env: {
        CODER_PG_CONNECTION_URL: database.url,
        CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: newEncryptionKey(),
        PATH: `${await terraformOfThisTime(dir)}:${process.env.PATH}`,
        LD_PRELOAD: String(library),
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_CACHE_DURATION: "1",
        // As on a machine whose clock is set: what counts intervals goes on.
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
    });
    defer(() => server.close());
    const { owner } = server;
    const local = await createLocalWorkspace(server);
    const template = await pushTemplate(owner, "ledger", ledgerTemplate);
    for (const [name, offset] of Object.entries(offsets)) {
      // The one before has ended with its workspace.
      const shell = await startEchoShell(server, defer);
      const [lives, dies] = [
        await ledgers.begin(owner, template.id, `${name}-lives`),
        await ledgers.begin(owner, template.id, `${name}-dies`),
      ];
      await shell.type(`before it is ${name}`);
      await setClock(offset);
      await delay(settleMs);
      say(`${name}: the server's clock is off by ${await offBySeconds()} s`);
      await shell.type(name);
      assert.equal((await getAgent(owner, local.id)).status, "connected");
      await lives.ledger.openGate();
      const ended = await waitForBuild(owner, lives.buildId);
      assert.equal(ended.job.status, "succeeded", ended.job.error);
      assert.deepEqual(await lives.ledger.lines(), ["create one", "begin two", "create two", "create three"]);

      // What starts anew meanwhile.
      await build(owner, local.id, "stop");
      await build(owner, local.id, "start");
      await waitForAgent(owner, local.id);
      const asked = await server.coder(["ssh", "dev", "--", "echo", name]);
      assert.equal(asked.stdout, `${name}\n`, asked.stderr);

      // A daemon that died is found out by the database's clock: not an hour later.
      await server.stop("SIGKILL");
      await server.start();
      const backMs = performance.now();
      const given = await waitForBuild(owner, dies.buildId, reapedMs);
      assert.equal(given.job.status, "failed");
      assert.match(String(given.job.error), /stopped answering/);
      say(
        `${name}: a lost build ended ${((performance.now() - backMs) / 1000).toFixed(1)} s after the server's return`,
      );
      await dies.ledger.openGate();
      await build(owner, dies.workspaceId, "start");
    }

    async function offBySeconds(): Promise<number> {
      const { headers } = await fetch(`${server.url}/healthz`);
      return Math.round((Date.parse(String(headers.get("date"))) - Date.now()) / 1000);
    }
  },
};

/**
 * A directory with a Terraform that has the machine's own clock. The library's shared memory is out of reach in
 * sandboxed workspaces, where it would end every program.
 */
async function terraformOfThisTime(dir: string): Promise<string> {
  const real = execFileSync("sh", ["-c", "command -v terraform || command -v tofu"], {
    encoding: "utf8",
  }).trim();
  const bin = join(dir, "bin");
  await mkdir(bin);
  await writeFile(
    join(bin, basename(real)),
    `#!/bin/sh\nunset LD_PRELOAD FAKETIME_SHARED\nexec '${real}' "$@"\n`,
    { mode: 0o755 },
  );
  return bin;
}
