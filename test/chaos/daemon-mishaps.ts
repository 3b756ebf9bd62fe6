import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { sharedCacheDir } from "../harness/coder-server.ts";
import { type CuttableProxy, startCuttableProxy } from "../harness/cuttable-proxy.ts";
import type { ExternalDaemon } from "../harness/external-daemon.ts";
import { run } from "../harness/run.ts";
import { waitFor } from "../harness/wait-for.ts";
import type { Fleet } from "./fleet.ts";
import { lostBuild } from "./lost-builds.ts";
import { descendantsOf, isRunning, pidOf, signalAll, terraformOf } from "./process-tree.ts";

export const daemonKilled = lostBuild({
  name: "daemon-killed",
  title: "kill -9 of a daemon after step k of n; another one of its host goes on",
  share: 50,
  seconds: 8,
  outcome: "fails",
  async strike({ fleet, daemon }) {
    await daemon.exit("SIGKILL");
    return () => fleet.startDaemon();
  },
});

export const hostKilled = lostBuild({
  name: "host-killed",
  title:
    "everything of a daemon's host dies at once: the daemon, its supervisor, Terraform and what that runs",
  share: 40,
  seconds: 8,
  outcome: "fails",
  async strike({ fleet, daemon }) {
    // Stopped first: it would start another supervisor.
    daemon.child.kill("SIGSTOP");
    const all = descendantsOf(pidOf(daemon));
    signalAll(all, "SIGSTOP");
    signalAll([...all, { pid: pidOf(daemon) }], "SIGKILL");
    await daemon.exit();
    return () => fleet.startDaemon();
  },
});

export const daemonFrozen = lostBuild({
  name: "daemon-frozen",
  title: "SIGSTOP of a daemon until its lease is over, then SIGCONT",
  share: 40,
  seconds: 9,
  holdMs: 2_500,
  outcome: "ends",
  async strike({ chaos, fleet, daemon }) {
    daemon.child.kill("SIGSTOP");
    const frozenMs = fleet.leaseMs * (1 + chaos.random());
    return async () => {
      await delay(frozenMs);
      daemon.child.kill("SIGCONT");
      return daemon;
    };
  },
});

export const serverKilled = lostBuild({
  name: "server-killed",
  endsAfter: "mend",
  title: "kill -9 of the server at any point of a build",
  share: 40,
  seconds: 9,
  outcome: "ends",
  async strike({ chaos, fleet, daemon }) {
    await fleet.server.stop("SIGKILL");
    await delay(chaos.random() * 3_000);
    await fleet.server.start();
    return async () => daemon;
  },
});

/** A Terraform that waits for such a step does not end when it is asked to. */
export const deafTerraform = lostBuild<Fleet, ExternalDaemon & { proxy: CuttableProxy }>({
  name: "deaf-terraform",
  title: "the network is gone, and Terraform ignores SIGINT",
  share: 25,
  seconds: 10,
  command: `trap '' INT; sleep "$HOLD"`,
  holdMs: 20_000,
  outcome: "fails",
  async startDaemon(fleet, defer) {
    const proxy = await startCuttableProxy(fleet.server.url);
    defer(() => proxy.close());
    return { ...(await fleet.startDaemon({ url: proxy.url })), proxy };
  },
  async strike({ chaos, fleet, daemon }) {
    const terraform = terraformOf(daemon);
    daemon.proxy.cut();
    const awayMs = fleet.leaseMs * (1 + chaos.random());
    return async () => {
      await delay(awayMs);
      assert.deepEqual(
        terraform.filter(({ pid }) => isRunning(pid)),
        [],
        "Terraform outlives its lease.",
      );
      daemon.proxy.mend();
      return daemon;
    };
  },
});

export const providerCrash = lostBuild({
  name: "provider-crash",
  title: "kill -9 of a provider in mid-apply",
  share: 50,
  seconds: 6,
  holdMs: 1_500,
  outcome: "fails",
  async strike({ daemon }) {
    const providers = descendantsOf(pidOf(daemon)).filter(({ command }) =>
      /terraform-provider-coder/.test(command),
    );
    assert.notEqual(providers.length, 0, "No provider runs.");
    signalAll(providers, "SIGKILL");
    return async () => daemon;
  },
});

export const childrenLeft = lostBuild({
  name: "children-left",
  title: "kill -9 of a daemon whose template leaves processes behind",
  share: 30,
  seconds: 9,
  command: `sleep 600 >/dev/null 2>&1 & echo $! >> children; sleep "$HOLD"`,
  // So that Terraform still runs: what it leaves behind when it has ended is meant to stay.
  holdMs: 1_500,
  outcome: "fails",
  async strike({ fleet, daemon, ledger }) {
    await daemon.exit("SIGKILL");
    return async () => {
      const text = await readFile(join(ledger.dir, "children"), "utf8").catch(() => "");
      const pids = text.split("\n").filter(Boolean).map(Number);
      await waitFor("the template's processes to end", () => !pids.some(isRunning), {
        timeoutMs: fleet.leaseMs + 5_000,
      });
      return fleet.startDaemon();
    };
  },
});

export const diskFull = lostBuild<Fleet, ExternalDaemon & { disk: string }>({
  name: "disk-full",
  title: "the disk of a daemon's directory is full",
  share: 40,
  seconds: 8,
  holdMs: 1_000,
  // Terraform stops when it cannot write its state: what was being made by then, and what it began meanwhile.
  mayLose: 20,
  outcome: "ends",
  whyNot: () => (process.getuid?.() === 0 ? null : "mounting a small disk needs root"),
  async startDaemon(fleet, defer) {
    const cache = await mkdtemp(join(tmpdir(), "slipway-full-"));
    defer(() => rm(cache, { recursive: true, force: true }));
    const disk = join(cache, "provisioner");
    await mkdir(disk);
    run("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk);
    defer(() => run("umount", "--lazy", disk));
    await symlink(join(sharedCacheDir, "provisioner/mirror"), join(disk, "mirror"));
    return { ...(await fleet.startDaemon({ env: { CODER_CACHE_DIRECTORY: cache } })), disk };
  },
  async strike({ daemon }) {
    const filler = join(daemon.disk, "filler");
    await writeFile(filler, "");
    try {
      run("dd", "if=/dev/zero", `of=${filler}`, "bs=4k");
    } catch {
      // It ends when the disk is full.
    }
    return async () => {
      await delay(2_000);
      await rm(filler, { force: true });
      return daemon;
    };
  },
});
