import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Leftover, StateSnapshot } from "../engine/engine.ts";
import { parseStateSnapshot } from "../engine/terraform/state-snapshot.ts";
import { removeUnfinished } from "../remove-unfinished.ts";
import type { DaemonClient } from "./connection.ts";
import type { DaemonLog } from "./daemon-log.ts";

/** State that the server never got while its lease was valid. It waits on disk and is handed in on reconnect. */
export type PendingStates = {
  /** False: the disk did not take it, and it is kept in memory only. */
  keep(jobId: string, epoch: bigint, state: StateSnapshot): Promise<boolean>;
  /** Whether the state of this job is to be offered now: not soon again after it was not taken. */
  isDue(jobId: string): boolean;
  /** Offers everything that waits, here and in what killed daemons left (`leftovers`). */
  handIn(client: Pick<DaemonClient, "handInState">, leftovers: Leftover[]): Promise<void>;
};

/** From one offer of a state that was not taken to the next. */
const RETRY_MS = 15_000;
/** The same where the server knows no such job: it is that of another deployment, for which this host worked before. */
const UNKNOWN_RETRY_MS = 10 * 60_000;
/** Ends the name of a file in writing. One that a daemon left behind when it died has its whole in the job's directory. */
const UNFINISHED = ".part";

/** A server that does not answer must not keep the others from being offered, nor this one from being offered again. */
const ANSWER_MS = 20_000;
/** Of the slowest network on which a state arrives: 256 kbit/s. */
const BYTES_PER_MS = 32;

export function createPendingStates(dir: string, log: DaemonLog): PendingStates {
  // It is offered again and again; of each it is said once that it has to wait.
  const told = new Set<string>();
  const retryAtMs = new Map<string, number>();
  const inMemory = new Map<string, Leftover>();
  const isDue = (jobId: string) => (retryAtMs.get(jobId) ?? 0) <= performance.now();
  const list = async (): Promise<Leftover[]> => {
    const names = await readdir(dir).catch(() => []);
    const unfinished = names.filter((name) => name.endsWith(UNFINISHED));
    // A part of a state holds its secrets as the whole does.
    await Promise.all(unfinished.map((name) => removeUnfinished(join(dir, name))));
    const found = await Promise.all(
      names.map((name) =>
        read(join(dir, name), isDue).catch((err: unknown) => {
          // Handed in by another daemon of this host meanwhile, or unreadable: the others are handed in all the same.
          log.debug({ file: join(dir, name), err }, "a kept state cannot be read");
          return null;
        }),
      ),
    );
    return found.filter((leftover) => leftover !== null);
  };
  return {
    isDue,
    async keep(jobId, epoch, state) {
      const file = join(dir, `${jobId}.${epoch}.tfstate`);
      const unfinished = file + UNFINISHED;
      try {
        await mkdir(dir, { recursive: true, mode: 0o700 });
        await writeFile(unfinished, state.bytes, { mode: 0o600, flush: true });
        await rename(unfinished, file);
      } catch (err) {
        // A full disk gets back what the part took; it is of no use without the rest.
        await rm(unfinished, { force: true }).catch(() => {});
        log.warn(
          { jobId, file, err },
          "the state of a job that could not be reported is kept in memory only",
        );
        const discard = async () => void inMemory.delete(jobId);
        inMemory.set(jobId, { jobId, epoch, state, discard });
        return false;
      }
      log.warn(
        { jobId, file },
        "kept the state of a job that could not be reported; it is handed in on reconnect",
      );
      return true;
    },
    async handIn(client, leftovers) {
      for (const leftover of [...(await list()), ...inMemory.values(), ...leftovers]) {
        const { jobId, epoch, state } = leftover;
        if (!isDue(jobId)) continue;
        try {
          const { accepted, reason } = await client.handInState(
            { jobId, epoch, state: state.bytes, lineage: state.lineage, serial: BigInt(state.serial) },
            { timeoutMs: ANSWER_MS + Math.ceil(state.bytes.byteLength / BYTES_PER_MS) },
          );
          log.info({ jobId, accepted, reason }, "handed in the state of an earlier job");
          await leftover.discard();
        } catch (error) {
          const isUnknown = ConnectError.from(error).code === Code.NotFound;
          retryAtMs.set(jobId, performance.now() + (isUnknown ? UNKNOWN_RETRY_MS : RETRY_MS));
          if (told.has(jobId)) continue;
          told.add(jobId);
          // It may belong to another deployment that this host served. Never thrown away.
          if (isUnknown) {
            log.info({ jobId }, "keeping the state of an earlier job that this server does not know");
          } else {
            log.warn({ jobId, err: error }, "the state of an earlier job could not be handed in yet");
          }
        }
      }
    },
  };
}

async function read(file: string, isDue: (jobId: string) => boolean): Promise<Leftover | null> {
  const match = /\/([0-9a-f-]{36})\.(\d+)\.tfstate$/.exec(file);
  const jobId = match?.[1] ?? "";
  if (match === null || !isDue(jobId)) return null;
  const state = parseStateSnapshot(await readFile(file));
  if (state === null) return null;
  return {
    jobId,
    epoch: BigInt(match[2] ?? 0),
    state,
    discard: () => rm(file, { force: true }),
  };
}
