import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../packages/server/src/db/embedded-postgres/start-embedded-postgres.ts";
import { descendantsOf, signalAll } from "./process-tree.ts";

/** A Postgres that can be taken away in the ways in which databases go away. Its URL stays the same. */
export type OwnPostgres = {
  url: string;
  /** The postmaster, then its children. */
  processes(): Promise<{ pid: number }[]>;
  /** All of it at once; it stays away. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
};

export async function startOwnPostgres(dir: string): Promise<OwnPostgres> {
  const root = join(dir, "pg");
  const begin = () => startEmbeddedPostgres({ dir: root, log: pino({ level: "silent" }) });
  let postgres: EmbeddedPostgres | null = await begin();
  const { url } = postgres;
  async function processes(): Promise<{ pid: number }[]> {
    const pid = Number.parseInt(await readFile(join(root, "data/postmaster.pid"), "utf8"), 10);
    return [{ pid }, ...descendantsOf(pid)];
  }
  async function stop(): Promise<void> {
    await postgres?.stop();
    postgres = null;
  }
  return {
    url,
    processes,
    async kill() {
      signalAll(await processes(), "SIGKILL");
      // It would come back by itself.
      await stop();
    },
    stop,
    async start() {
      postgres ??= await begin();
    },
  };
}
