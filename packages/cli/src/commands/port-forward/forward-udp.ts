import { createSocket, type RemoteInfo } from "node:dgram";
import type { Duplex } from "node:stream";
import type { Cli } from "../../cli.ts";
import type { Tunnel } from "../../tunnel/tunnel.ts";
import type { Listening } from "./forward-tcp.ts";
import type { PortForward } from "./parse-forwards.ts";

/** A sender that is silent for this long is forgotten, with its stream. */
const idleMs = 60_000;
const maxFlows = 1024;
const lengthBytes = 2;

type Flow = { stream: Promise<Duplex>; idle: NodeJS.Timeout; close(): void };

/** Receives here and sends there, one stream for each sender; answers go back to it. Lost is lost, as with UDP. */
export function forwardUdp(
  cli: Cli,
  tunnel: Tunnel,
  forward: PortForward,
  host: string,
  onUse: (delta: 1 | -1) => void,
): Promise<Listening> {
  const socket = createSocket(host.includes(":") ? { type: "udp6", ipv6Only: true } : { type: "udp4" });
  const flows = new Map<string, Flow>();

  function openFlow(key: string, sender: RemoteInfo): Flow {
    const stopping = new AbortController();
    const stream = tunnel.open(
      { case: "udp", value: { host: "", port: forward.remotePort } },
      { signal: stopping.signal },
    );
    const flow: Flow = {
      stream,
      idle: setTimeout(() => flow.close(), idleMs).unref(),
      close() {
        clearTimeout(flow.idle);
        if (flows.get(key) === flow) {
          flows.delete(key);
          onUse(-1);
        }
        stopping.abort();
        stream.then((open) => open.destroy()).catch(() => {}); // It never opened, which was told below.
      },
    };
    onUse(1);
    stream.then(
      (open) => {
        const take = datagrams((message) => {
          flow.idle.refresh();
          socket.send(message, sender.port, sender.address, () => {});
        });
        open.on("data", take);
        open.on("error", () => {}); // Its close forgets the flow; the next datagram opens another.
        open.once("close", () => flow.close());
      },
      (err: unknown) => {
        if (!stopping.signal.aborted) {
          cli.say(`UDP port ${forward.remotePort}: ${err instanceof Error ? err.message : String(err)}`);
        }
        flow.close();
      },
    );
    return flow;
  }

  socket.on("message", (message, sender) => {
    const key = `${sender.address} ${sender.port}`;
    let flow = flows.get(key);
    if (!flow) {
      if (flows.size >= maxFlows) return;
      flow = openFlow(key, sender);
      flows.set(key, flow);
    }
    flow.idle.refresh();
    const framed = Buffer.alloc(lengthBytes + message.length);
    framed.writeUInt16BE(message.length);
    message.copy(framed, lengthBytes);
    flow.stream.then(
      (open) => {
        // What the way does not take now is dropped, as a network would.
        if (!open.writableNeedDrain && !open.destroyed) open.write(framed);
      },
      () => {}, // Told where it was opened.
    );
  });

  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address: host, port: forward.localPort, exclusive: true }, () => {
      socket.off("error", reject);
      // An answer that nobody takes comes back as an error of the socket; it goes on.
      socket.on("error", (err) => cli.debug(`udp: ${err.message}`));
      resolve({
        address: host.includes(":") ? `[${host}]:${forward.localPort}` : `${host}:${forward.localPort}`,
        close: () =>
          new Promise((closed) => {
            for (const flow of [...flows.values()]) flow.close();
            socket.close(() => closed());
          }),
      });
    });
  });
}

/** Takes datagrams, each behind its length, out of chunks as they come. */
function datagrams(onMessage: (message: Buffer) => void): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= lengthBytes) {
      const end = lengthBytes + pending.readUInt16BE(0);
      if (pending.length < end) return;
      onMessage(pending.subarray(lengthBytes, end));
      pending = pending.subarray(end);
    }
  };
}
