import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, readlink, rename, rm, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { removeUnfinished } from "../../remove-unfinished.ts";
import type { Leftover, StateSnapshot } from "../engine.ts";
import { processStart } from "./process-start.ts";
import { addressesOf, taint } from "./state-instances.ts";
import { readStateSnapshot, supersedes } from "./state-snapshot.ts";
import { ERRORED_STATE_FILE, STATE_FILE } from "./state-watcher.ts";

/** A job's own directory: mode 0700, deleted when the job has ended. */
export type WorkDir = {
  root: string;
  /** Where Terraform runs. It does not exist yet. */
  tree: string;
  /** Writes down what a state that is found here holds and has to be tainted, should everything end now. Never throws. */
  noteUnprovisioned(addresses: readonly string[]): void;
  remove(): Promise<void>;
};

type Owner = {
  jobId: string;
  epoch: string;
  pid: number;
  processStart: string;
  /** The state that the job began with. */
  lineage: string;
  serial: number;
};

/** Where directories are made: on the same disk, which the parent may be a mount point of. */
const UNFINISHED = ".new";
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
    lineage: job.state?.lineage ?? "",
    serial: job.state?.serial ?? -1,
  };
  for (let attempt = 1; ; attempt++) {
    try {
      await makeOwned(join(unfinishedIn(parent), name), root, owner);
      break;
    } catch (error) {
      // Whoever cleans the cache by hand may take the unfinished directory away.
      if (attempt === MAX_ATTEMPTS || !isMissing(error)) throw error;
    }
  }
  return {
    root,
    tree: join(root, "tree"),
    noteUnprovisioned(addresses) {
      try {
        // At once: a moment later the process may be gone.
        writeFileSync(join(root, UNPROVISIONED_FILE), JSON.stringify(addresses), { mode: 0o600 });
      } catch {
        // The disk is full. The server has been told, too, unless that is out of reach as well.
      }
    },
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 250 }),
  };
}

async function makeOwned(unfinished: string, root: string, owner: Owner): Promise<void> {
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  await writeFile(join(unfinished, "job.json"), JSON.stringify(owner), { mode: 0o600 });
  // It appears with its owner's name in it: other daemons of the host take one without for a dead one's.
  await rename(unfinished, root);
}

const isMissing = (error: unknown) => error instanceof Error && "code" in error && error.code === "ENOENT";

/**
 * What daemons that were killed left behind, of the jobs that are due. Directories without newer state are deleted on
 * the way; those in which something still runs are left for another time.
 */
export async function findLeftovers(
  parent: string,
  isDue: (jobId: string) => boolean = () => true,
): Promise<Leftover[]> {
  const unfinished = unfinishedIn(parent);
  for (const name of await readdir(unfinished).catch(() => []))
    await removeUnfinished(join(unfinished, name));
  const names = (await readdir(parent).catch(() => [])).filter((name) => name !== UNFINISHED);
  const orphans: { root: string; owner: Owner | null }[] = [];
  for (const name of names) {
    const root = join(parent, name);
    const owner = await readOwner(root);
    if (owner !== null && !isDue(owner.jobId)) continue;
    if (owner !== null && (await processStart(owner.pid)) === owner.processStart) continue;
    orphans.push({ root, owner });
  }
  // Once for all, as a host may have thousands; after their owners were seen to be dead, who start nothing any more.
  const directories = orphans.length === 0 ? [] : await workingDirectories();
  const leftovers: Leftover[] = [];
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
      leftovers.push({ jobId: owner.jobId, epoch: BigInt(owner.epoch), state: tainted, discard });
    }
  }
  return leftovers;
}

async function readOwner(root: string): Promise<Owner | null> {
  const text = await readFile(join(root, "job.json"), "utf8").catch(() => null);
  try {
    return text === null ? null : (JSON.parse(text) as Owner); // Written by `createWorkDir`.
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
