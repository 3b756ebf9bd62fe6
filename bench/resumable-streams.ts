import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect as tcpConnect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import {
  createSession,
  openResumable,
  SUBPROTOCOL,
  tunnelSocketOptions,
  webSocketCarrier,
} from "@slipway/mux";
import { WebSocket } from "ws";
import type { Bench } from "./bench.ts";
import { interleave, median, percentile } from "./statistics.ts";

const modes = { tcp: "plain TCP relay", mux: "streams on WebSocket", resumable: "resumable streams" };
type Mode = keyof typeof modes;
const allModes = Object.keys(modes) as Mode[]; // Its keys are just above.

type Transfer = { mbPerSecond: number; relayCpu: number; endsCpu: number };
type Echo = { mode: Mode; isBeside: boolean; samples: number[] };

const MiB = 1024 * 1024;
const peers = join(import.meta.dirname, "stream-peers.ts");
/** A busy machine gets fewer samples, not a longer run. */
const echoBudgetMs = 4_000;

/**
 * The multiplexer alone against a relay of plain TCP, in three processes as in production. On a shared machine trust
 * ratios and CPU per GB, not MB/s.
 */
export const resumableStreams: Bench = {
  name: "resumable-streams",
  title: "Resumable against plain streams",
  async measure(run) {
    const mib = run.pick(512, 32);
    const rounds = run.pick(5, 1);
    const children = await startPeers();
    const { relayProcess, agentProcess, ports } = children;
    const url = `ws://127.0.0.1:${ports.wsPort}/client`;
    const socket = new WebSocket(url, SUBPROTOCOL, tunnelSocketOptions(url));
    const session = createSession(webSocketCarrier(socket), { role: "dialer" });
    try {
      await session.ping();

      const open = (mode: Mode, priority = false): Duplex => {
        if (mode === "tcp") return tcpConnect({ port: ports.tcpPort, host: "127.0.0.1", noDelay: true });
        if (mode === "mux") return session.open(Buffer.from("plain"), { priority });
        return openResumable({
          dial: async ({ key }) =>
            session.open(Buffer.from(`resumable ${Buffer.from(key).toString("hex")}`), { priority }),
        });
      };

      const transfer = async (mode: Mode, bytes: number): Promise<Transfer> => {
        const before = await cpuOf(relayProcess, agentProcess);
        const startedAt = performance.now();
        const stream = open(mode);
        stream.write(`source ${bytes}`);
        let received = 0;
        stream.on("data", (data: Buffer) => {
          received += data.length;
        });
        await once(stream, "end");
        stream.end();
        const seconds = (performance.now() - startedAt) / 1000;
        if (received < bytes) throw new Error(`${mode}: ${received} of ${bytes} bytes arrived.`);
        const after = await cpuOf(relayProcess, agentProcess);
        const gb = bytes / 1e9;
        return {
          mbPerSecond: bytes / 1e6 / seconds,
          relayCpu: (after.relay - before.relay) / gb,
          endsCpu: (after.ends - before.ends) / gb,
        };
      };

      for (const mode of allModes) await transfer(mode, run.pick(64, 8) * MiB);
      const transfers: Record<Mode, Transfer[]> = { tcp: [], mux: [], resumable: [] };
      await interleave(
        rounds,
        allModes.map((mode) => async () => void transfers[mode].push(await transfer(mode, mib * MiB))),
      );

      const echoes: Echo[] = [];
      for (const isBeside of [false, true]) {
        for (const mode of allModes) {
          const bulk = isBeside ? open(mode === "tcp" ? "tcp" : "mux") : undefined;
          bulk?.on("error", () => {}).resume();
          bulk?.write(`source ${64 * 1024 * MiB}`);
          const times = isBeside ? run.pick(300, 10) : run.pick(1_000, 10);
          echoes.push({ mode, isBeside, samples: await echo(open(mode, true), times) });
          bulk?.destroy();
        }
      }
      return report(transfers, echoes, `${mib} MiB per transfer, medians of ${rounds} interleaved rounds.`);
    } finally {
      session.close();
      relayProcess.disconnect();
      agentProcess.disconnect();
    }
  },
};

function report(transfers: Record<Mode, Transfer[]>, echoes: readonly Echo[], how: string) {
  const medianOf = (mode: Mode, pick: (one: Transfer) => number) => median(transfers[mode].map(pick));
  const allCpu = (mode: Mode) => medianOf(mode, ({ relayCpu, endsCpu }) => relayCpu + endsCpu);
  const measured = allCpu("resumable") / allCpu("mux");
  const what = "CPU per GB of resumable ÷ plain streams, bulk";
  return {
    checks: [{ what, measured, target: 1.1, unit: "×" as const }],
    tables: [
      {
        columns: ["", "MB/s", "relay CPU s/GB", "both ends CPU s/GB", "all CPU s/GB"],
        rows: allModes.map((mode) => [
          modes[mode],
          medianOf(mode, ({ mbPerSecond }) => mbPerSecond).toFixed(0),
          medianOf(mode, ({ relayCpu }) => relayCpu).toFixed(2),
          medianOf(mode, ({ endsCpu }) => endsCpu).toFixed(2),
          allCpu(mode).toFixed(2),
        ]),
      },
      {
        columns: ["echo of one byte, ms", "idle p50", "idle p99", "beside bulk p50", "beside bulk p99"],
        rows: allModes.map((mode) => {
          const cells = echoes
            .filter((one) => one.mode === mode)
            .flatMap(({ samples }) => [
              percentile(samples, 0.5).toFixed(2),
              percentile(samples, 0.99).toFixed(2),
            ]);
          return [modes[mode], ...cells];
        }),
      },
    ],
    notes: [how],
  };
}

async function startPeers() {
  const relayProcess = fork(peers, ["relay"]);
  const ports = await reply<{ wsPort: number; tcpPort: number }>(relayProcess);
  const agentProcess = fork(peers, ["agent", `${ports.wsPort}`]);
  relayProcess.send(await reply<{ agentPort: number }>(agentProcess));
  return { relayProcess, agentProcess, ports };
}

async function echo(stream: Duplex, times: number): Promise<number[]> {
  stream.on("error", () => {});
  stream.write("echo");
  const samples: number[] = [];
  await once(stream, "data");
  const endMs = performance.now() + echoBudgetMs;
  for (let i = 0; i < times && performance.now() < endMs; i += 1) {
    const startMs = performance.now();
    stream.write("k");
    await once(stream, "data");
    samples.push(performance.now() - startMs);
  }
  stream.destroy();
  return samples;
}

async function cpuOf(relayProcess: ChildProcess, agentProcess: ChildProcess) {
  relayProcess.send({ cpu: true });
  agentProcess.send({ cpu: true });
  const [relayCpu, agentCpu] = await Promise.all([
    reply<{ cpu: NodeJS.CpuUsage }>(relayProcess),
    reply<{ cpu: NodeJS.CpuUsage }>(agentProcess),
  ]);
  const seconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6;
  return { relay: seconds(relayCpu.cpu), ends: seconds(agentCpu.cpu) + seconds(process.cpuUsage()) };
}

// What a child sends is what stream-peers.ts sends.
async function reply<T>(child: ChildProcess): Promise<T> {
  const [message] = await once(child, "message");
  return message as T;
}
