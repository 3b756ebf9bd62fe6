import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient, users } from "@slipway/api";
import { createTestDatabase } from "../../packages/server/src/db/testing/test-database.ts";
import { type Finished, finished, keepOutput, type Output, spawnCoder } from "./coder-process.ts";
import { removeData } from "./remove-data.ts";
import { waitFor } from "./wait-for.ts";
import { deleteAllWorkspaces } from "./workspaces.ts";

/** Shared by all runs: providers and executables for workspaces are made there once, which takes minutes. */
export const sharedCacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "slipway");

export type CoderServer = {
  /** Stays the same over restarts. */
  url: string;
  configDir: string;
  /** The first user. */
  owner: Client;
  ownerToken: string;
  client(token?: string): Client;
  /** Runs the command line as the owner. */
  coder(
    args: readonly string[],
    options?: { input?: string | Uint8Array; timeoutMs?: number },
  ): Promise<Finished>;
  /** Environment with which a command line of ours is the owner's. */
  clientEnv: Record<string, string>;
  readonly pid: number;
  /** What the server printed, over all its lives. */
  log(): string;
  /** Starts the stopped server again, and waits until it answers. */
  start(): Promise<void>;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Removes workspaces, server and data. */
  close(): Promise<void>;
};

export type CoderServerOptions = {
  env?: Record<string, string>;
  /** Default 127.0.0.1. */
  host?: string;
  /** Name of the server for workspaces, when it is not the host. */
  accessHost?: string;
  /**
   * `shared`: a database of its own in the Postgres of the test run, ready at once. `embedded`: a Postgres of its own,
   * which lives and dies with the server. Default: shared where there is a test run.
   */
  postgres?: "shared" | "embedded";
  /** Of a deployment that is there already: this becomes one more server on its database. */
  ownerToken?: string;
};

const owner = { username: "alice", email: "alice@example.com", password: "correct-horse-battery-9" };

/**
 * A real server process with data of its own, on a port of its own, with a first user.
 *
 * @example
 * const server = await startCoderServer();
 * afterAll(() => server.close());
 * await server.stop("SIGKILL");
 * await server.start();
 */
export async function startCoderServer(options: CoderServerOptions = {}): Promise<CoderServer> {
  const host = options.host ?? "127.0.0.1";
  const port = await freePort(host);
  const url = `http://${host}:${port}`;
  const root = await mkdtemp(join(tmpdir(), "slipway-e2e-"));
  const configDir = join(root, "config");
  const database = await databaseOf(options);
  const env = {
    CODER_CONFIG_DIR: configDir,
    CODER_CACHE_DIRECTORY: sharedCacheDir,
    CODER_HTTP_ADDRESS: `${host}:${port}`,
    CODER_DANGEROUS_DISABLE_RATE_LIMITS: "true",
    CODER_ALLOW_LOCAL_TEMPLATE: "true",
    ...(options.accessHost === undefined ? {} : { CODER_ACCESS_URL: `http://${options.accessHost}:${port}` }),
    ...database.env,
    ...options.env,
  };
  const removeAll = async () => {
    await removeData(root, configDir);
    await database.drop();
  };
  const outputs: Output[] = [];
  let child: ChildProcess | undefined;
  const log = () => outputs.map((output) => output.text()).join("");

  async function start(): Promise<void> {
    const started = spawnCoder(["server"], env, { stdio: ["ignore", "pipe", "pipe"] });
    child = started;
    outputs.push(keepOutput(started.stdout, started.stderr));
    await waitFor(
      "the server to answer",
      async () => {
        if (started.exitCode !== null) return true;
        const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) });
        return response.ok;
      },
      { timeoutMs: 120_000 },
    );
    if (started.exitCode !== null) throw new Error(`The server ended:\n${log()}`);
  }

  async function stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  const client = (token?: string) => createClient({ url, token });
  async function begin(): Promise<string> {
    await start();
    if (options.ownerToken !== undefined) return options.ownerToken;
    await client().call(users.createFirstUser, { body: owner });
    const { email, password } = owner;
    return (await client().call(users.login, { body: { email, password } })).session_token;
  }
  const ownerToken = await begin().catch(async (error: unknown) => {
    await stop("SIGKILL");
    await removeAll();
    throw error;
  });
  const clientEnv = {
    CODER_URL: url,
    CODER_SESSION_TOKEN: ownerToken,
    CODER_CONFIG_DIR: join(root, "client"),
    CODER_NO_VERSION_WARNING: "true",
  };
  return {
    url,
    configDir,
    owner: client(ownerToken),
    ownerToken,
    client,
    clientEnv,
    coder(args, { input, timeoutMs = 90_000 } = {}) {
      const command = spawnCoder(args, clientEnv);
      // What hangs is ended, so that the test can show what it printed.
      const timer = setTimeout(() => command.kill(), timeoutMs);
      return finished(command, input).finally(() => clearTimeout(timer));
    },
    get pid() {
      return child?.pid ?? 0;
    },
    log,
    start,
    stop,
    async close() {
      try {
        if (options.ownerToken !== undefined) return;
        if (child?.exitCode !== null || child.signalCode !== null) await start();
        await deleteAllWorkspaces(client(ownerToken));
      } finally {
        await stop();
        await removeAll();
      }
    },
  };
}

async function databaseOf({ env, postgres }: CoderServerOptions) {
  const isInTestRun = process.env.SLIPWAY_TEST_PG !== undefined;
  if (!isInTestRun || postgres === "embedded" || env?.CODER_PG_CONNECTION_URL !== undefined) {
    return { env: {}, drop: async () => {} };
  }
  const { url, drop } = await createTestDatabase();
  return {
    env: { CODER_PG_CONNECTION_URL: url, CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: newEncryptionKey() },
    drop,
  };
}

/** A key as `CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS` takes it. */
export const newEncryptionKey = () => randomBytes(32).toString("base64");

export async function freePort(host = "127.0.0.1"): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("A TCP listener has a port.");
  return address.port;
}
