import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { sharedCacheDir } from "../harness/coder-server.ts";
import { startCuttableProxy } from "../harness/cuttable-proxy.ts";
import type { ExternalDaemon } from "../harness/external-daemon.ts";
import { waitFor } from "../harness/wait-for.ts";
import { leaseMs, run } from "./fleet.ts";
import { lostBuild } from "./lost-builds.ts";
import { descendantsOf, isRunning, signalAll } from "./process-tree.ts";

const pidOf = ({ child }: ExternalDaemon) => child.pid ?? 0;

export const daemonKilled = lostBuild({
  name: "daemon-killed",
  title: "kill -9 of a daemon after step k of n; another one of its host goes on",
  isFatal: true,
  async strike({ fleet, daemon }) {
    await daemon.exit("SIGKILL");
    return () => fleet.startDaemon();
  },
});

export const hostKilled = lostBuild({
  name: "host-killed",
  title:
    "everything of a daemon's host dies at once: the daemon, its supervisor, Terraform and what that runs",
  isFatal: true,
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
  holdMs: 2_500,
  isFatal: false,
  async strike({ chaos, daemon }) {
    daemon.child.kill("SIGSTOP");
    const frozenMs = leaseMs + chaos.random() * leaseMs;
    return async () => {
      await delay(frozenMs);
      daemon.child.kill("SIGCONT");
      return daemon;
    };
  },
});

export const serverKilled = lostBuild({
  name: "server-killed",
  title: "kill -9 of the server at any point of a build",
  isFatal: false,
  async strike({ chaos, fleet, daemon }) {
    await fleet.server.stop("SIGKILL");
    await delay(chaos.random() * 3_000);
    await fleet.server.start();
    return async () => daemon;
  },
});

/** A Terraform that waits for such a step does not end when it is asked to. */
export const deafTerraform = lostBuild({
  name: "deaf-terraform",
  title: "the network is gone, and Terraform ignores SIGINT",
  command: `trap '' INT; sleep "$HOLD"`,
  holdMs: 20_000,
  isFatal: true,
  async startDaemon(chaos, fleet) {
    const proxy = await startCuttableProxy(fleet.server.url);
    chaos.defer(() => proxy.close());
    proxies.set(fleet, proxy);
    return fleet.startDaemon({ url: proxy.url });
  },
  async strike({ chaos, fleet, daemon }) {
    const proxy = proxies.get(fleet);
    assert.ok(proxy);
    const terraform = descendantsOf(pidOf(daemon)).filter(({ command }) => / apply /.test(command));
    proxy.cut();
    const awayMs = leaseMs + chaos.random() * leaseMs;
    return async () => {
      await delay(awayMs);
      assert.deepEqual(
        terraform.filter(({ pid }) => isRunning(pid)),
        [],
        "Terraform outlives its lease.",
      );
      proxy.mend();
      return daemon;
    };
  },
});
const proxies = new WeakMap<object, Awaited<ReturnType<typeof startCuttableProxy>>>();

export const providerCrash = lostBuild({
  name: "provider-crash",
  title: "kill -9 of a provider in mid-apply",
  holdMs: 1_500,
  isFatal: true,
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
  command: `sleep 600 >/dev/null 2>&1 & echo $! >> children; sleep "$HOLD"`,
  // So that Terraform still runs: what it leaves behind when it has ended is meant to stay.
  holdMs: 1_500,
  isFatal: true,
  async strike({ fleet, daemon, ledger }) {
    await daemon.exit("SIGKILL");
    return async () => {
      const text = await readFile(join(ledger.dir, "children"), "utf8").catch(() => "");
      const pids = text.split("\n").filter(Boolean).map(Number);
      await waitFor("the template's processes to end", () => !pids.some(isRunning), {
        timeoutMs: leaseMs + 5_000,
      });
      return fleet.startDaemon();
    };
  },
});

const disks = new WeakMap<object, string>();

export const diskFull = lostBuild({
  name: "disk-full",
  title: "the disk of a daemon's directory is full",
  holdMs: 1_000,
  // Terraform stops when it cannot write its state: what was being made by then, and what it began meanwhile.
  mayLose: 20,
  isFatal: false,
  whyNot: () => (process.getuid?.() === 0 ? null : "mounting a small disk needs root"),
  async startDaemon(chaos, fleet) {
    const cache = await mkdtemp(join(tmpdir(), "slipway-full-"));
    chaos.defer(() => rm(cache, { recursive: true, force: true }));
    const disk = join(cache, "provisioner");
    await mkdir(disk);
    run("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk);
    chaos.defer(() => run("umount", "--lazy", disk));
    await symlink(join(sharedCacheDir, "provisioner/mirror"), join(disk, "mirror"));
    const daemon = await fleet.startDaemon({ env: { CODER_CACHE_DIRECTORY: cache } });
    disks.set(daemon, disk);
    return daemon;
  },
  async strike({ daemon }) {
    const filler = join(disks.get(daemon) ?? "", "filler");
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
