import { rm } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { createTestDatabase } from "../../packages/server/src/db/testing/test-database.ts";
import {
  type CoderServer,
  newEncryptionKey,
  sharedCacheDir,
  startCoderServer,
} from "../harness/coder-server.ts";
import { type ExternalDaemon, startExternalDaemon } from "../harness/external-daemon.ts";
import { pushTemplate } from "../harness/template.ts";
import type { Chaos } from "./chaos.ts";
import { watchForViolations } from "./invariants.ts";
import { stepsTemplate } from "./step-ledger.ts";

/**
 * Short, so that lost builds end soon. On a machine that is busy with other things it is the usual one: programs that
 * get no processor time miss shorter ones, and Terraform needs some of it to write its state when its daemon has died.
 */
function chooseLease(): number {
  const [lastMinute = 0] = loadavg();
  return lastMinute > 2 * availableParallelism() ? 15_000 : 5_000;
}

/** A server without daemons of its own, and the template of steps. */
export type Fleet = {
  server: CoderServer;
  databaseUrl: string;
  /** What another server of the same deployment is given. */
  serverEnv: Record<string, string>;
  leaseMs: number;
  templateId: string;
  /** Called when the server is gone, the last one first. */
  afterwards(cleanUp: () => unknown): void;
  /** A daemon as a process of its own; waits until it is connected. */
  startDaemon(options?: {
    /** Another way to the server. */
    url?: string;
    env?: Record<string, string>;
    /** What the command is started by, such as `ip netns exec …`. */
    prefix?: readonly string[];
  }): Promise<ExternalDaemon>;
};

let count = 0;

export async function startFleet(
  defer: Chaos["defer"],
  options: {
    /** The server's address, where it is not the loopback's. */
    host?: string;
    /** A database with all migrations. Default: one of its own. */
    databaseUrl?: string;
  } = {},
): Promise<Fleet> {
  const databaseUrl = options.databaseUrl ?? (await createDatabase(defer));
  const leaseMs = chooseLease();
  await watchForViolations(databaseUrl);
  const serverEnv = {
    CODER_PG_CONNECTION_URL: databaseUrl,
    CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: newEncryptionKey(),
    CODER_PROVISIONER_DAEMONS: "0",
    CODER_PROVISIONER_JOB_LEASE: `${leaseMs}ms`,
  };
  const server = await startCoderServer({
    ...(options.host === undefined ? {} : { host: options.host }),
    env: serverEnv,
  });
  const cleanUps: (() => unknown)[] = [];
  const startDaemon: Fleet["startDaemon"] = async ({ url = server.url, env, prefix = [] } = {}) => {
    const name = `chaos-${process.pid}-${++count}`;
    // What a killed one kept would wait there for ever.
    cleanUps.push(() =>
      rm(join(sharedCacheDir, `provisioner/daemon-${name}`), { recursive: true, force: true }),
    );
    const daemon = await startExternalDaemon({
      url,
      name,
      env: { CODER_SESSION_TOKEN: server.ownerToken, ...env },
      prefix,
    });
    // It may be one of many on a busy machine.
    await daemon.connected(180_000).catch(async (cause: unknown) => {
      await daemon.exit("SIGKILL");
      throw new Error(`${daemon.name} did not connect:\n${daemon.log()}`, { cause });
    });
    return daemon;
  };
  defer(async () => {
    // What a failed run left is deleted by somebody.
    const last = await startDaemon();
    await server.close();
    await last.exit("SIGTERM");
    for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  });
  const importer = await startDaemon();
  try {
    const template = await pushTemplate(server.owner, "steps", stepsTemplate);
    return {
      server,
      databaseUrl,
      serverEnv,
      leaseMs,
      templateId: template.id,
      afterwards: (cleanUp) => cleanUps.push(cleanUp),
      startDaemon,
    };
  } finally {
    await importer.exit("SIGTERM");
  }
}

async function createDatabase(defer: Chaos["defer"]): Promise<string> {
  const { url, drop } = await createTestDatabase();
  defer(drop);
  return url;
}
