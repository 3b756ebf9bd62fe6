/**
 * The multiplexer against a plain TCP relay, side by side in one run:
 *
 *     node bench/mux.ts [MiB per transfer] [rounds]
 *
 * Three processes as in production (client, relay, agent), so that each one's CPU time can be told. Rounds are
 * interleaved: on a shared machine trust ratios and CPU per GB, not MB/s.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer, connect as tcpConnect } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";
import {
  createResumableHost,
  createSession,
  openResumable,
  relay,
  type Session,
  SUBPROTOCOL,
  tunnelServerOptions,
  tunnelSocketOptions,
  webSocketCarrier,
} from "@slipway/mux";
import { WebSocket, WebSocketServer } from "ws";

type Mode = "tcp" | "mux" | "resumable";
type Transfer = { mode: Mode; seconds: number; relayCpu: number; endsCpu: number };

const MiB = 1024 * 1024;
/** A busy machine gets fewer samples, not a longer run. */
const echoBudgetMs = 4_000;
const chunk = Buffer.alloc(64 * 1024, 0x5a);

const role = process.argv[2];
if (role === "--relay") runRelay();
else if (role === "--agent") runAgent(Number(process.argv[3]), Number(process.argv[4]));
else await runClient(Number(process.argv[2] ?? 256), Number(process.argv[3] ?? 3));

// ---- the three processes

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
function runAgent(wsPort: number, _tcpPort: number): void {
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

// ---- the client

async function runClient(mib: number, rounds: number): Promise<void> {
  const relayProcess = fork(import.meta.filename, ["--relay"]);
  const ports = await reply<{ wsPort: number; tcpPort: number }>(relayProcess);
  const agentProcess = fork(import.meta.filename, ["--agent", String(ports.wsPort), String(ports.tcpPort)]);
  relayProcess.send(await reply<{ agentPort: number }>(agentProcess));
  const url = `ws://127.0.0.1:${ports.wsPort}/client`;
  const session = createSession(webSocketCarrier(new WebSocket(url, SUBPROTOCOL, tunnelSocketOptions(url))), {
    role: "dialer",
  });
  await session.ping();

  const open = (mode: Mode, priority = false): Duplex => {
    if (mode === "tcp") return tcpConnect({ port: ports.tcpPort, host: "127.0.0.1", noDelay: true });
    if (mode === "mux") return session.open(Buffer.from("plain"), { priority });
    return openResumable({
      dial: async ({ key }) =>
        session.open(Buffer.from(`resumable ${Buffer.from(key).toString("hex")}`), { priority }),
    });
  };

  async function transfer(mode: Mode, bytes: number): Promise<Transfer> {
    const before = await cpuOf(relayProcess, agentProcess);
    const startMs = performance.now();
    const stream = open(mode);
    stream.write(`source ${bytes}`);
    let received = 0;
    stream.on("data", (data: Buffer) => {
      received += data.length;
    });
    await once(stream, "end");
    stream.end();
    const seconds = (performance.now() - startMs) / 1000;
    if (received < bytes) throw new Error(`${mode}: ${received} of ${bytes} bytes arrived.`);
    const after = await cpuOf(relayProcess, agentProcess);
    const gb = bytes / 1e9;
    return {
      mode,
      seconds,
      relayCpu: (after.relay - before.relay) / gb,
      endsCpu: (after.ends - before.ends) / gb,
    };
  }

  const modes: Mode[] = ["tcp", "mux", "resumable"];
  for (const mode of modes) await transfer(mode, 64 * MiB);
  const results: Transfer[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const mode of modes) results.push(await transfer(mode, mib * MiB));
  }

  const echoes: { mode: Mode; beside: boolean; p50: number; p99: number }[] = [];
  for (const beside of [false, true]) {
    for (const mode of modes) {
      const bulk = beside ? open(mode === "tcp" ? "tcp" : "mux") : undefined;
      bulk?.resume();
      bulk?.write(`source ${64 * 1024 * MiB}`);
      echoes.push({ mode, beside, ...(await echo(open(mode, true), beside ? 300 : 1000)) });
      bulk?.destroy();
    }
  }
  print(results, echoes, mib, rounds);
  session.close();
  relayProcess.disconnect();
  agentProcess.disconnect();
}

async function echo(stream: Duplex, times: number): Promise<{ p50: number; p99: number }> {
  stream.on("error", () => {});
  stream.write("echo");
  const samples: number[] = [];
  await once(stream, "data");
  const endMs = performance.now() + echoBudgetMs;
  for (let i = 0; i < times && performance.now() < endMs; i++) {
    const startMs = performance.now();
    stream.write("k");
    await once(stream, "data");
    samples.push(performance.now() - startMs);
  }
  stream.destroy();
  samples.sort((a, b) => a - b);
  const at = (share: number) =>
    samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

async function cpuOf(
  relayProcess: ChildProcess,
  agentProcess: ChildProcess,
): Promise<{ relay: number; ends: number }> {
  relayProcess.send({ cpu: true });
  agentProcess.send({ cpu: true });
  const [relayCpu, agentCpu] = await Promise.all([
    reply<{ cpu: NodeJS.CpuUsage }>(relayProcess),
    reply<{ cpu: NodeJS.CpuUsage }>(agentProcess),
  ]);
  const seconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6;
  return { relay: seconds(relayCpu.cpu), ends: seconds(agentCpu.cpu) + seconds(process.cpuUsage()) };
}

// What a child sends is what this file's other branches send.
async function reply<T>(child: ChildProcess): Promise<T> {
  const [message] = await once(child, "message");
  return message as T;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function print(
  results: Transfer[],
  echoes: { mode: Mode; beside: boolean; p50: number; p99: number }[],
  mib: number,
  rounds: number,
): void {
  const of = (mode: Mode, pick: (result: Transfer) => number) =>
    median(results.filter((result) => result.mode === mode).map(pick));
  const names = { tcp: "plain TCP relay", mux: "mux on WebSocket", resumable: "resumable on mux" };
  console.log(`\nBulk through the relay, ${mib} MiB, median of ${rounds} interleaved rounds\n`);
  console.log("| | MB/s | relay CPU s/GB | both ends CPU s/GB | all CPU s/GB |\n|---|---|---|---|---|");
  for (const mode of ["tcp", "mux", "resumable"] as const) {
    const mbs = of(mode, ({ seconds }) => (mib * MiB) / 1e6 / seconds);
    const relayCpu = of(mode, (result) => result.relayCpu);
    const endsCpu = of(mode, (result) => result.endsCpu);
    const all = of(mode, (result) => result.relayCpu + result.endsCpu);
    const cells = [mbs.toFixed(0), relayCpu.toFixed(2), endsCpu.toFixed(2), all.toFixed(2)];
    console.log(`| ${names[mode]} | ${cells.join(" | ")} |`);
  }
  const ratio = of("resumable", (r) => r.relayCpu + r.endsCpu) / of("mux", (r) => r.relayCpu + r.endsCpu);
  console.log(`\nResumable / plain mux, all CPU per GB: **${ratio.toFixed(2)}** (target 1.1)`);
  console.log("\nEcho of one byte through the relay, ms\n");
  console.log("| | idle p50 | idle p99 | beside bulk p50 | beside bulk p99 |\n|---|---|---|---|---|");
  for (const mode of ["tcp", "mux", "resumable"] as const) {
    const cells = [false, true].flatMap((beside) => {
      const found = echoes.find((result) => result.mode === mode && result.beside === beside);
      return [found?.p50.toFixed(2), found?.p99.toFixed(2)];
    });
    console.log(`| ${names[mode]} | ${cells.join(" | ")} |`);
  }
}
