import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecFrame_AgentChannel } from "@slipway/proto/tunnel";
import { errorText, type Log } from "../log/log.ts";
import type { ExecChannel } from "./exec-channel.ts";

const MAX_CONNECTIONS = 64;
/** Answers that the program has not read. An ssh-agent's largest has 256 KiB. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** The workspace's end of a forwarded ssh-agent: programs connect to `path`, the client talks to the real agent. */
export type ForwardedAgent = {
  path: string;
  receive(message: Pick<ExecFrame_AgentChannel, "id" | "data" | "close">): void;
  close(): void;
};

/** Undefined, with a line in the log, when no socket can be made (a full disk): the session goes on without. */
export async function listenForAgent(channel: ExecChannel, log: Log): Promise<ForwardedAgent | undefined> {
  const connections = new Map<number, Socket>();
  let nextId = 1;
  const server = createServer((socket) => {
    if (connections.size >= MAX_CONNECTIONS) return socket.destroy();
    const id = nextId++;
    connections.set(id, socket);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      if (channel.send({ case: "agentChannel", value: { id, data } })) return;
      socket.pause();
      void channel.drained().then(() => socket.resume());
    });
    socket.on("close", () => {
      if (connections.delete(id)) channel.send({ case: "agentChannel", value: { id, close: true } });
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    const dir = mkdtempSync(join(tmpdir(), "coder-agent-"));
    const path = join(dir, "ssh-agent.sock");
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    return {
      path,
      receive({ id, data, close }) {
        const socket = connections.get(id);
        if (socket === undefined) return;
        if (data.byteLength > 0) socket.write(data);
        // Its own answers are all that it loses: the session's input shares the channel, and must go on.
        if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
        if (!close) return;
        connections.delete(id);
        socket.end();
      },
      close() {
        server.close();
        for (const socket of connections.values()) socket.destroy();
        connections.clear();
        rmSync(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    log.warn({ error: errorText(error) }, "the ssh-agent cannot be forwarded");
    return undefined;
  }
}
