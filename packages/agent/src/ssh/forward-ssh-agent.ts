import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection } from "ssh2";
import { errorText, type Log } from "../log/log.ts";
import { spliceChannel } from "./channel-splice.ts";
import { openAgentChannel } from "./ssh2-internals.ts";

const MAX_CONNECTIONS = 64;

/**
 * A socket in the workspace behind which the client's ssh-agent answers. Undefined, with a line in the log, when it
 * cannot be made: the session goes on without.
 */
export async function forwardSshAgent(
  client: Connection,
  log: Log,
): Promise<{ path: string; close(): void } | undefined> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    openAgentChannel(client).then(
      (channel) => spliceChannel(channel, socket),
      () => socket.destroy(),
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on("error", () => {});
  try {
    // Nobody else may use the keys: the directory is ours alone.
    const dir = mkdtempSync(join(tmpdir(), "coder-agent-"));
    const path = join(dir, "ssh-agent.sock");
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    return {
      path,
      close() {
        server.close();
        rmSync(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    log.warn({ error: errorText(error) }, "the ssh-agent cannot be forwarded");
    return undefined;
  }
}
