import { execFileSync } from "node:child_process";
import { createTestDatabase } from "../../packages/server/src/db/testing/test-database.ts";
import { type CoderServer, newEncryptionKey, startCoderServer } from "../harness/coder-server.ts";
import { type ExternalDaemon, startExternalDaemon } from "../harness/external-daemon.ts";
import { pushTemplate } from "../harness/template.ts";
import type { Chaos } from "./chaos.ts";
import { watchForViolations } from "./invariants.ts";
import { stepsTemplate } from "./step-ledger.ts";

/** Of the fleet's server. Short, so that lost builds end soon. */
export const leaseMs = 6_000;

/** A server without daemons of its own, and the template of steps. */
export type Fleet = {
  server: CoderServer;
  databaseUrl: string;
  templateId: string;
  /** Called when the server is gone, the last one first. */
  afterwards(cleanUp: () => unknown): void;
  /** A daemon as a process of its own; waits until it is connected. */
  startDaemon(options?: {
    name?: string;
    /** Another way to the server. */
    url?: string;
    env?: Record<string, string>;
    /** What the command is started by, such as `ip netns exec …`. */
    prefix?: readonly string[];
  }): Promise<ExternalDaemon>;
};

let count = 0;

/** `host`: the server's address, where it is not the loopback's. */
export async function startFleet(defer: Chaos["defer"], host?: string): Promise<Fleet> {
  const database = await createTestDatabase();
  defer(() => database.drop());
  await watchForViolations(database.url);
  const server = await startCoderServer({
    ...(host === undefined ? {} : { host }),
    env: {
      CODER_PG_CONNECTION_URL: database.url,
      CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: newEncryptionKey(),
      CODER_PROVISIONER_DAEMONS: "0",
      CODER_PROVISIONER_JOB_LEASE: `${leaseMs}ms`,
    },
  });
  const startDaemon: Fleet["startDaemon"] = async (options = {}) => {
    const daemon = await startExternalDaemon({
      url: options.url ?? server.url,
      name: options.name ?? `chaos-${process.pid}-${++count}`,
      env: { CODER_SESSION_TOKEN: server.ownerToken, ...options.env },
      ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
    });
    await daemon.connected().catch(async (cause: unknown) => {
      await daemon.exit("SIGKILL");
      throw new Error(`${daemon.name} did not connect:\n${daemon.log()}`, { cause });
    });
    return daemon;
  };
  const cleanUps: (() => unknown)[] = [];
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
      databaseUrl: database.url,
      templateId: template.id,
      afterwards: (cleanUp) => cleanUps.push(cleanUp),
      startDaemon,
    };
  } finally {
    await importer.exit("SIGTERM");
  }
}

/** Runs a program that must succeed. */
export function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
}
