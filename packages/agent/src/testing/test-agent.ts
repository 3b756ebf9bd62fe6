import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ManifestSchema } from "@slipway/proto/agent";
import { type Log, silentLog } from "../log/log.ts";
import { type Agent, type AgentOptions, startAgent } from "../start-agent.ts";
import { type FakeServer, startFakeServer } from "./fake-server.ts";

export type TestAgent = {
  server: FakeServer;
  agent: Agent;
  /** The home directory and all else that the agent writes. */
  dir: string;
  close(): Promise<void>;
};

/** A real agent, in this process, connected to a fake server. */
export async function startTestAgent(
  options: Partial<AgentOptions> & {
    manifest?: MessageInitShape<typeof ManifestSchema>;
    prepare?: (server: FakeServer, dir: string) => void;
    log?: Log;
  } = {},
): Promise<TestAgent> {
  const { manifest, prepare, ...rest } = options;
  const server = await startFakeServer(manifest);
  const dir = mkdtempSync(join(tmpdir(), "agent-test-"));
  prepare?.(server, dir);
  const stop = new AbortController();
  const agent = await startAgent({
    url: server.url,
    token: server.token,
    logDir: join(dir, "logs"),
    scriptDataDir: dir,
    sshMaxTimeoutMs: 72 * 3600_000,
    blockFileTransfer: false,
    environment: { PATH: process.env.PATH, HOME: dir, SHELL: "/bin/bash" },
    log: silentLog,
    signal: stop.signal,
    version: "v0.0.0-test",
    selfCommand: ["/bin/false"],
    ...rest,
  });
  return {
    server,
    agent,
    dir,
    async close() {
      await agent.shutdown("test");
      await server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
