/** The relay and the agent of the benchmark of streams, each in a process of its own so that its CPU time can be told. */
import { type AddressInfo, createServer as createTcpServer, connect as tcpConnect } from "node:net";
import { type Duplex, pipeline } from "node:stream";
import {
  createResumableHost,
  createSession,
  relay,
  type Session,
  SUBPROTOCOL,
  tunnelServerOptions,
  tunnelSocketOptions,
  webSocketCarrier,
} from "@slipway/mux";
import { WebSocket, WebSocketServer } from "ws";

const chunk = Buffer.alloc(64 * 1024, 0x5a);

const [role, wsPort] = process.argv.slice(2);
if (role === "relay") runRelay();
else runAgent(Number(wsPort));

/** Joins clients' streams to the one agent, over mux and over TCP. */
function runRelay(): void {
  let agent: Session | undefined;
  const sockets = new WebSocketServer({ ...tunnelServerOptions, port: 0, host: "127.0.0.1" });
  sockets.on("connection", (ws, request) => {
    const isAgent = request.url === "/agent";
    const session = createSession(webSocketCarrier(ws), {
      role: "acceptor",
      onStream: (stream) => {
        if (agent === undefined) return stream.reset("unavailable");
        relay(stream, agent.open(stream.meta, { priority: stream.priority }));
      },
    });
    if (isAgent) agent = session;
  });
  let agentPort = 0;
  const tcp = createTcpServer({ noDelay: true }, (socket) => {
    const upstream = tcpConnect({ port: agentPort, host: "127.0.0.1", noDelay: true });
    pipeline(socket, upstream, socket, () => {});
  });
  tcp.listen(0, "127.0.0.1", () => {
    const wsPort = (sockets.address() as AddressInfo).port;
    process.send?.({ wsPort, tcpPort: (tcp.address() as AddressInfo).port });
  });
  answerCpu((message) => {
    if ("agentPort" in message) agentPort = Number(message.agentPort);
  });
}

/** Serves `source N`, `sink` and `echo`. */
function runAgent(wsPort: number): void {
  const host = createResumableHost();
  const url = `ws://127.0.0.1:${wsPort}/agent`;
  const ws = new WebSocket(url, SUBPROTOCOL, tunnelSocketOptions(url));
  createSession(webSocketCarrier(ws), {
    role: "dialer",
    onStream: (stream) => {
      const meta = Buffer.from(stream.meta).toString();
      if (meta.startsWith("resumable")) {
        const key = Buffer.from(meta.slice(10), "hex");
        host.accept(stream, { key, resume: false, received: 0n }, serve);
      } else {
        serve(stream);
      }
    },
  });
  const tcp = createTcpServer({ noDelay: true }, serve);
  tcp.listen(0, "127.0.0.1", () => process.send?.({ agentPort: (tcp.address() as AddressInfo).port }));
  answerCpu(() => {});
}

function serve(stream: Duplex): void {
  stream.on("error", () => {});
  stream.once("data", (first: Buffer) => {
    const [what, amount] = first.toString().split(" ");
    if (what === "echo") {
      stream.write("ready");
      stream.pipe(stream);
    } else send(stream, Number(amount));
  });
}

function send(stream: Duplex, bytes: number): void {
  let left = bytes;
  const more = () => {
    while (left > 0) {
      left -= chunk.length;
      if (!stream.write(chunk)) {
        stream.once("drain", more);
        return;
      }
    }
    stream.end();
  };
  more();
}

function answerCpu(onOther: (message: object) => void): void {
  process.on("message", (message: object) => {
    if ("cpu" in message) process.send?.({ cpu: process.cpuUsage() });
    else onOther(message);
  });
  process.on("disconnect", () => process.exit());
}
