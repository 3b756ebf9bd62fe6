import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdir, open, readdir, readFile, readlink, rename, rm, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { removeUnfinished } from "../../remove-unfinished.ts";
import type { Leftover, Leftovers, StateSnapshot } from "../engine.ts";
import { isSameKernel, isSameSpace, type ProcessSpace, processSpace } from "./process-space.ts";
import { processStart } from "./process-start.ts";
import { createLifeWatch, type Life, type LifeWatch, showLife } from "./signs-of-life.ts";
import { addressesOf, taint } from "./state-instances.ts";
import { readStateSnapshot, supersedes } from "./state-snapshot.ts";
import { ERRORED_STATE_FILE, STATE_FILE } from "./state-watcher.ts";

/** A job's own directory: mode 0700, deleted when the job has ended. */
export type WorkDir = {
  root: string;
  /** Where Terraform runs. It does not exist yet. */
  tree: string;
  /**
   * Resolves when a crash of the host leaves whose it is: without that, the state in it could be handed in by nobody.
   * Never throws.
   */
  settled(): Promise<void>;
  /** Writes down what a state that is found here holds and has to be tainted, should everything end now. Never throws. */
  noteUnprovisioned(addresses: readonly string[]): void;
  remove(): Promise<void>;
};

type Owner = {
  jobId: string;
  epoch: string;
  pid: number;
  processStart: string;
  /** Where the pid means that process. Older versions did not write it down. */
  space?: ProcessSpace;
  /** The state that the job began with. */
  lineage: string;
  serial: number;
};

/** Where directories are made: on the same disk, which the parent may be a mount point of. */
const UNFINISHED = ".new";
const OWNER_FILE = "job.json";
const UNPROVISIONED_FILE = "unprovisioned.json";
const unfinishedIn = (parent: string) => join(parent, UNFINISHED);
const MAX_ATTEMPTS = 5;

export async function createWorkDir(
  parent: string,
  job: { jobId: string; epoch: bigint; state: StateSnapshot | null },
): Promise<WorkDir> {
  const name = randomUUID();
  const root = join(parent, name);
  const owner: Owner = {
    jobId: job.jobId,
    epoch: String(job.epoch),
    pid: process.pid,
    processStart: await processStart(process.pid),
    space: await processSpace(),
    lineage: job.state?.lineage ?? "",
    serial: job.state?.serial ?? -1,
  };
  let endLife: () => Promise<void>;
  for (let attempt = 1; ; attempt++) {
    try {
      endLife = await makeOwned(join(unfinishedIn(parent), name), root, owner);
      break;
    } catch (error) {
      // Whoever cleans the cache by hand may take the unfinished directory away.
      if (attempt === MAX_ATTEMPTS || !isMissing(error)) throw error;
    }
  }
  return {
    root,
    tree: join(root, "tree"),
    async settled() {
      await Promise.all([join(root, OWNER_FILE), root, parent].map(sync));
    },
    noteUnprovisioned(addresses) {
      try {
        // At once: a moment later the process may be gone.
        writeFileSync(join(root, UNPROVISIONED_FILE), JSON.stringify(addresses), { mode: 0o600 });
      } catch {
        // The disk is full. The server has been told, too, unless that is out of reach as well.
      }
    },
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 250 }).finally(endLife),
  };
}

/** Returns what ends the owner's signs of life. */
async function makeOwned(unfinished: string, root: string, owner: Owner): Promise<() => Promise<void>> {
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  await writeFile(join(unfinished, OWNER_FILE), JSON.stringify(owner), { mode: 0o600 });
  const endLife = await showLife(unfinished, OWNER_FILE);
  try {
    // It appears with its owner's name in it: other daemons of the host take one without for a dead one's.
    await rename(unfinished, root);
    return endLife;
  } catch (error) {
    await endLife();
    throw error;
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r").catch(() => null); // The job has ended already.
  // Not all file systems can do it for directories; of a disk that is broken Terraform will speak.
  await handle?.sync().catch(() => {});
  await handle?.close();
}

const isMissing = (error: unknown) => error instanceof Error && "code" in error && error.code === "ENOENT";

/**
 * What daemons that were killed left behind, of the jobs that are due. Directories without newer state are deleted on
 * the way; those in which something still runs are left for another time. `watch` is to be the same each time: of owners
 * in other containers it takes some looks to know that they are dead, and until then the answer is not sure.
 */
export async function findLeftovers(
  parent: string,
  isDue: (jobId: string) => boolean = () => true,
  watch: LifeWatch = createLifeWatch(),
): Promise<Leftovers> {
  const unfinished = unfinishedIn(parent);
  for (const name of await readdir(unfinished).catch(() => []))
    await removeUnfinished(join(unfinished, name));
  const names = (await readdir(parent).catch(() => [])).filter((name) => name !== UNFINISHED);
  const roots = names.map((name) => join(parent, name));
  watch.keepOnly(roots);
  const orphans: { root: string; owner: Owner | null }[] = [];
  let isSure = true;
  for (const root of roots) {
    const owner = await readOwner(root);
    if (owner === "unreadable" || (owner !== null && !isDue(owner.jobId))) continue;
    const life = owner === null ? "dead" : await lifeOf(owner, root, watch);
    if (life === "dead") orphans.push({ root, owner });
    if (life === "unsure") isSure = false;
  }
  // Once for all, as a host may have thousands; after their owners were seen to be dead, who start nothing any more.
  const directories = orphans.length === 0 ? [] : await workingDirectories();
  const found: Leftover[] = [];
  for (const { root, owner } of orphans) {
    if (directories.some((cwd) => cwd === root || cwd.startsWith(root + sep))) continue;
    const discard = () => rm(root, { recursive: true, force: true });
    const state = owner === null ? null : await newestState(join(root, "tree"), owner);
    if (owner === null || state === null) await discard();
    else {
      const tainted = taint(
        state,
        await readUnprovisioned(root),
        await heldBefore(join(root, "tree"), owner),
      );
      found.push({ jobId: owner.jobId, epoch: BigInt(owner.epoch), state: tainted, discard });
    }
  }
  return { found, isSure };
}

async function lifeOf(owner: Owner, root: string, watch: LifeWatch): Promise<Life> {
  const own = await processSpace();
  const space = owner.space ?? own;
  if (!isSameSpace(space, own)) return watch.look(root, OWNER_FILE, isSameKernel(space, own));
  return (await processStart(owner.pid)) === owner.processStart ? "alive" : "dead";
}

/** Null for a directory without an owner. */
async function readOwner(root: string): Promise<Owner | null | "unreadable"> {
  let text: string;
  try {
    text = await readFile(join(root, OWNER_FILE), "utf8");
  } catch (error) {
    // Out of files, or of a disk that answers again: that says nothing of an owner.
    return isMissing(error) ? null : "unreadable";
  }
  try {
    return JSON.parse(text) as Owner; // Written by `createWorkDir`.
  } catch {
    return null; // Killed while it was written: nothing had run yet.
  }
}

async function readUnprovisioned(root: string): Promise<string[]> {
  const text = await readFile(join(root, UNPROVISIONED_FILE), "utf8").catch(() => "");
  try {
    return text === "" ? [] : (JSON.parse(text) as string[]); // Written by `noteUnprovisioned`.
  } catch {
    return []; // Killed while it was written.
  }
}

/** What the state held with which the job began: Terraform keeps that one when it writes the first of its own. */
async function heldBefore(tree: string, owner: Owner): Promise<Set<string> | null> {
  if (owner.lineage === "") return new Set();
  const backup = await readStateSnapshot(join(tree, `${STATE_FILE}.backup`)).catch(() => null);
  return backup?.lineage === owner.lineage ? addressesOf(backup.bytes) : null;
}

async function newestState(tree: string, owner: Owner): Promise<StateSnapshot | null> {
  let newest: StateSnapshot | null =
    owner.lineage === "" ? null : { bytes: new Uint8Array(), lineage: owner.lineage, serial: owner.serial };
  for (const file of [STATE_FILE, ERRORED_STATE_FILE]) {
    const snapshot = await readStateSnapshot(join(tree, file));
    if (snapshot !== null && supersedes(snapshot, newest)) newest = snapshot;
  }
  return newest === null || newest.bytes.byteLength === 0 ? null : newest;
}

/** Of every process that we may look at. */
async function workingDirectories(): Promise<string[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  return Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")));
}
