import { watch } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { StateSnapshot } from "../engine.ts";
import { readStateSnapshot, supersedes } from "./state-snapshot.ts";

export const STATE_FILE = "terraform.tfstate";
/** Where Terraform puts a state that it could not write to its place. */
export const ERRORED_STATE_FILE = "errored.tfstate";

const COALESCE_MS = 250;
const POLL_MS = 1_000;

export type StateWatcher = {
  /** Reports the newest state again, soon: what is to be said of it has changed. */
  repeat(): void;
  /**
   * Stops watching, reads once more, and resolves to the newest state, or null if none was ever written. What it finds
   * is not reported besides: the job's end brings it.
   */
  finish(): Promise<StateSnapshot | null>;
};

/**
 * Reports every new state that Terraform writes into `dir`: whole ones only, of the lineage of `previous`,
 * each with a higher serial, at most one each 250 ms. A good snapshot is never replaced by a torn one.
 */
export function watchState(
  dir: string,
  previous: StateSnapshot | null,
  onSnapshot: (snapshot: StateSnapshot) => void,
): StateWatcher {
  let newest = previous;
  let seen = "";
  let reading: Promise<void> = Promise.resolve();
  let coalescing: NodeJS.Timeout | undefined;
  let stopped = false;
  let repeating = false;

  const take = (snapshot: StateSnapshot | null) => {
    if (snapshot === null || !supersedes(snapshot, newest)) return;
    newest = snapshot;
    if (!stopped) onSnapshot(snapshot);
  };

  const look = async () => {
    const mustRepeat = repeating;
    repeating = false;
    const before = newest;
    await readNewer();
    // What the job began with was reported by nobody, and need not be.
    if (mustRepeat && !stopped && newest === before && newest !== null && newest !== previous) {
      onSnapshot(newest);
    }
  };
  const readNewer = async () => {
    const file = join(dir, STATE_FILE);
    const found = await stat(file, { bigint: true }).catch(() => null);
    const mark = found === null ? "" : `${found.mtimeNs} ${found.size}`;
    if (mark === seen || found === null) return;
    const snapshot = await readStateSnapshot(file);
    // A torn read is looked at again, even when nothing more is written.
    if (snapshot !== null) seen = mark;
    take(snapshot);
  };
  // Reads never overlap, so an older one cannot overtake a newer.
  const readSoon = () => {
    if (stopped || coalescing !== undefined) return;
    coalescing = setTimeout(() => {
      coalescing = undefined;
      // What cannot be read now is read by the next look, or by `finish`, which reports the failure.
      reading = reading.then(look).catch(() => {});
    }, COALESCE_MS);
  };

  const poll = setInterval(readSoon, POLL_MS);
  // The poll does its work where watching fails, as on some network file systems or out of watches.
  const watcher = (() => {
    try {
      return watch(dir, (_event, name) => {
        if (name === null || name === STATE_FILE) readSoon();
      }).on("error", () => {});
    } catch {
      return null;
    }
  })();

  return {
    repeat() {
      repeating = true;
      readSoon();
    },
    async finish() {
      stopped = true;
      clearInterval(poll);
      clearTimeout(coalescing);
      watcher?.close();
      await reading;
      const last = await Promise.all(
        [STATE_FILE, ERRORED_STATE_FILE].map((name) => readStateSnapshot(join(dir, name))),
      );
      last.forEach(take);
      return newest;
    },
  };
}
