import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { memoryDirectory } from "../testing/memory-directory.ts";
import { DataDirectoryInUseError } from "./owner-lock.ts";
import {
  type EmbeddedPostgres,
  embeddedPostgresUrl,
  startEmbeddedPostgres,
} from "./start-embedded-postgres.ts";

const log = pino({ level: "silent" });
const isRoot = process.getuid?.() === 0;

/** Where data is made: each start copies a thousand files. */
let place: string;
let seedBase: string;
let seed: string;
let base: string;
let dir: string;
const running = new Set<EmbeddedPostgres>();
const servers = new Set<ChildProcess>();

beforeAll(async () => {
  place = (await memoryDirectory(import.meta.dirname)) ?? tmpdir();
  seedBase = await mkdtemp(join(place, "slipway-pg-seed-"));
  await chmod(seedBase, 0o755);
  seed = join(seedBase, "postgres");
});

afterAll(() => rm(seedBase, { recursive: true, force: true }));

beforeEach(async () => {
  base = await mkdtemp(join(place, "slipway-pg-"));
  await chmod(base, 0o755);
  dir = join(base, "postgres");
});

afterEach(async () => {
  for (const server of servers) server.kill("SIGKILL");
  for (const postgres of running) await postgres.stop();
  running.clear();
  servers.clear();
  await rm(base, { recursive: true, force: true });
});

/** Gives the tests of later starts the data of a first one, without its second of initdb each time. */
async function copySeed(): Promise<void> {
  if (!existsSync(seed)) {
    const postgres = await startEmbeddedPostgres({ dir: seed, log, sync: false });
    await postgres.stop();
  }
  await promisify(execFile)("cp", ["-a", seed, dir]);
}

async function start({ path = dir, sync = false } = {}): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dir: path, log, sync });
  running.add(postgres);
  return postgres;
}

async function stop(postgres: EmbeddedPostgres): Promise<void> {
  running.delete(postgres);
  await postgres.stop();
}

/** Another process that serves `dir`, as `coder server` does. */
async function serve(): Promise<{ server: ChildProcess; url: string; pid: number }> {
  const script = join(import.meta.dirname, "testdata/serve.ts");
  const server = spawn(process.execPath, [script, dir], { stdio: ["ignore", "pipe", "inherit"] });
  servers.add(server);
  for await (const line of createInterface({ input: server.stdout })) {
    return { server, ...(JSON.parse(line) as { url: string; pid: number }) };
  }
  throw new Error("the server process ended");
}

async function query(postgres: { url: string }, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: postgres.url });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + 20_000; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > until) throw error;
      await delay(20);
    }
  }
}

describe("a first start", () => {
  test("makes a database for us alone: by its socket, with its password, under another account than root", async () => {
    const postgres = await start();

    const [row] = await query(
      postgres,
      "select current_user, current_database(), version(), lower('ÄÖ') as lower",
    );
    expect(row).toMatchObject({ current_user: "slipway", current_database: "slipway", lower: "äö" });
    expect(row?.version).toMatch(/^PostgreSQL 18\./);
    expect(await embeddedPostgresUrl(dir)).toBe(postgres.url);
    const wrong = postgres.url.replace(/:[^:@]+@/, ":wrong@");
    await expect(query({ url: wrong }, "select 1")).rejects.toThrow(/password authentication failed/);

    expect(await query(postgres, "show listen_addresses")).toEqual([{ listen_addresses: "" }]);
    for (const [name, mode] of [
      ["password", 0o600],
      ["run", 0o700],
      ["data", 0o700],
      ["", 0o700],
    ] as const) {
      expect((await stat(join(dir, name))).mode & 0o777, name).toBe(mode);
    }

    if (!isRoot) return;
    const pid = Number.parseInt(await readFile(join(dir, "data/postmaster.pid"), "utf8"), 10);
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    const { uid } = await stat(join(dir, "data"));
    expect(uid).not.toBe(0);
    expect(status).toContain(`Uid:\t${uid}\t${uid}\t${uid}\t${uid}`);
    expect(status).toMatch(/Groups:\s*\n/);
  });

  test.runIf(isRoot)("below a closed directory keeps the data where that user may go", async () => {
    await chmod(base, 0o700);
    const postgres = await start();

    expect(await query(postgres, "select 1 as one")).toEqual([{ one: 1 }]);
    const target = await readlink(dir);
    expect(target).toMatch(/^\/var\/lib\/slipway\//);
    expect((await stat(base)).mode & 0o777).toBe(0o700);
    await stop(postgres);
    const again = await start();
    expect(await query(again, "select 1 as one")).toEqual([{ one: 1 }]);
    await stop(again);
    await rm(target, { recursive: true });
  });

  test("interrupted before its end leaves nothing that is taken for data", async () => {
    const controller = new AbortController();
    const starting = startEmbeddedPostgres({ dir, log, sync: false, signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 300);
    await expect(starting).rejects.toThrow();

    expect(await query(await start(), "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("works below a path that is too long for a socket", async () => {
    const long = join(base, "a".repeat(100), "postgres");
    await mkdir(join(base, "a".repeat(100)));
    const postgres = await start({ path: long });

    expect(await query(postgres, "select 1 as one")).toEqual([{ one: 1 }]);
    expect(await embeddedPostgresUrl(long)).toBe(postgres.url);
  });
});

describe("a later start", () => {
  beforeEach(copySeed);

  test("finds the data of the one before", async () => {
    const first = await start();
    await query(first, "create table notes as select 'kept' as body");
    await stop(first);

    expect(await query(await start(), "select body from notes")).toEqual([{ body: "kept" }]);
  });

  test("is refused while another process serves the directory, and names it", async () => {
    const { server } = await serve();

    const refused = startEmbeddedPostgres({ dir, log });
    await expect(refused).rejects.toThrow(DataDirectoryInUseError);
    await expect(refused).rejects.toThrow(`Another server (process ${server.pid}) uses the data directory`);
  });

  test("is refused while this process serves the directory under another path", async () => {
    await start();
    await expect(startEmbeddedPostgres({ dir: join(dir, "../postgres/."), log })).rejects.toThrow(
      DataDirectoryInUseError,
    );
  });

  test("goes on after the server was killed", async () => {
    const { server, url, pid } = await serve();
    await query({ url }, "create table notes as select 'kept' as body");
    server.kill("SIGKILL");
    await once(server, "exit");

    const postgres = await start();
    expect(await query(postgres, "select body from notes")).toEqual([{ body: "kept" }]);
    expect(Number.parseInt(await readFile(join(dir, "data/postmaster.pid"), "utf8"), 10)).not.toBe(pid);
  });

  test("goes on after both the server and Postgres were killed", async () => {
    const { server, url, pid } = await serve();
    await query({ url }, "create table notes as select 'kept' as body");
    server.kill("SIGKILL");
    process.kill(pid, "SIGKILL");
    await once(server, "exit");

    expect(await query(await start(), "select body from notes")).toEqual([{ body: "kept" }]);
  });

  test("ends a Postgres that outlived its server", async () => {
    const { server, url, pid } = await serve();
    const client = new Client({ connectionString: url });
    client.on("error", () => {});
    const lost = new Promise((resolve) => client.once("end", resolve));
    await client.connect();
    // Frozen, it cannot follow the kernel's request to stop when its server dies.
    process.kill(pid, "SIGSTOP");
    server.kill("SIGKILL");
    await once(server, "exit");
    process.kill(pid, "SIGCONT");

    expect(await query(await start(), "select 1 as one")).toEqual([{ one: 1 }]);
    await lost;
  });

  test("sets a new password when its file was lost", async () => {
    await rm(join(dir, "password"));

    expect(await query(await start(), "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("refuses data of another major version and says how to move it", async () => {
    await writeFile(join(dir, "data/PG_VERSION"), "17\n");

    const refused = startEmbeddedPostgres({ dir, log });
    await expect(refused).rejects.toThrow(/made by Postgres 17; this program brings Postgres 18/);
    await expect(refused).rejects.toThrow(/pg_dump .*\n.*\n.*\n.*pg_restore /);
    expect(await readFile(join(dir, "data/PG_VERSION"), "utf8")).toBe("17\n");
  });
});

describe("a running Postgres", () => {
  beforeEach(copySeed);

  test("that is killed is started again under the same URL", async () => {
    const postgres = await start({ sync: true });
    await query(postgres, "create table notes as select 'kept' as body");
    const pid = Number.parseInt(await readFile(join(dir, "data/postmaster.pid"), "utf8"), 10);
    process.kill(pid, "SIGKILL");

    const rows = await eventually(async () => {
      expect(Number.parseInt(await readFile(join(dir, "data/postmaster.pid"), "utf8"), 10)).not.toBe(pid);
      return query(postgres, "select body from notes");
    });
    expect(rows).toEqual([{ body: "kept" }]);
  });

  test("stops although a client is connected, and gives the directory free", async () => {
    const postgres = await start();
    const client = new Client({ connectionString: postgres.url });
    client.on("error", () => {});
    const lost = new Promise((resolve) => client.once("end", resolve));
    await client.connect();

    await stop(postgres);
    await lost;
    expect(await postgres.exited).toEqual({ cause: undefined });
    await start();
  });
});
