import { connect, type Socket } from "node:net";
import type { ExecFrameInit } from "./exec-session.ts";

const maxConnections = 64;

/** Our end of a forwarded ssh-agent: each channel that a program in the workspace opens is a connection to it. */
export function forwardLocalAgent(socketPath: string, send: (frame: ExecFrameInit) => boolean) {
  const connections = new Map<number, Socket>();

  function open(id: number): Socket | undefined {
    if (connections.size >= maxConnections) {
      send({ case: "agentChannel", value: { id, close: true } });
      return undefined;
    }
    const socket = connect(socketPath);
    connections.set(id, socket);
    socket.on("data", (data) => void send({ case: "agentChannel", value: { id, data } }));
    socket.on("error", () => {}); // Its close tells the other end.
    socket.once("close", () => {
      if (connections.delete(id)) send({ case: "agentChannel", value: { id, close: true } });
    });
    return socket;
  }

  return {
    receive({ id, data, close }: { id: number; data: Uint8Array; close: boolean }): void {
      const known = connections.get(id);
      if (close) {
        connections.delete(id);
        known?.end();
      } else if (data.byteLength > 0) {
        (known ?? open(id))?.write(data);
      }
    },
    close(): void {
      for (const socket of connections.values()) socket.destroy();
      connections.clear();
    },
  };
}
