import { once } from "node:events";
import type { Duplex } from "node:stream";
import { Option } from "commander";
import type { Cli } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";
import { addSwitch, readDuration } from "../options.ts";
import { type Column, listFormat } from "../output/format-list.ts";
import { readyAgent } from "../ready-agent.ts";

type Interval = {
  start_time_seconds: number;
  end_time_seconds: number;
  throughput_mbits: number;
  isTotal: boolean;
};

const columns: readonly Column<Interval>[] = [
  {
    name: "interval",
    value: (one) =>
      `${one.start_time_seconds.toFixed(2)}-${one.end_time_seconds.toFixed(2)} sec${one.isTotal ? " (total)" : ""}`,
  },
  { name: "throughput", value: (one) => `${one.throughput_mbits.toFixed(4)} Mbits/sec` },
];

const intervalMs = 1_000;
const minMs = 100;
const chunkBytes = 32 * 1024;
const answerMs = 30_000;

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME, OWNER/NAME, NAME.AGENT or OWNER/NAME.AGENT");
  addSwitch(command, cli, "-d, --direct", "wait for a direct connection; there are none, so this fails");
  command.addOption(
    new Option("--direction <direction>", "which way the data goes").choices(["up", "down"]).default("down"),
  );
  command.option("-t, --time <duration>", "how long to measure", "5s");
  command.option("--pcap-file <file>", "not available: there are no packets to capture");
  const format = listFormat(command, columns, ["interval", "throughput"]);
  command.action(
    async (
      workspace: string,
      options: { direct?: boolean; direction: "up" | "down"; time: string; pcapFile?: string },
    ) => {
      const how = format();
      if (options.direct)
        throw new CliError("There are no direct connections: everything passes through the server.", {
          hint: "Leave --direct out.",
        });
      if (options.pcapFile)
        throw new CliError("--pcap-file: there are no packets to capture.", { hint: "Leave it out." });
      const durationMs = readDuration("--time", options.time);
      if (durationMs < minMs) throw new CliError(`--time must be at least ${minMs}ms.`);
      const intervals = await measure(cli, workspace, options.direction, durationMs);
      const total = intervals.at(-1);
      cli.print(
        how.print(intervals, {
          overall: total && withoutMark(total),
          intervals: intervals.slice(0, -1).map(withoutMark),
        }),
      );
    },
  );
};

async function measure(
  cli: Cli,
  argument: string,
  direction: "up" | "down",
  durationMs: number,
): Promise<Interval[]> {
  const { createTunnel } = await import("../tunnel/tunnel.ts");
  const client = await cli.client();
  const { agent } = await readyAgent(cli, client, argument, { autostart: false, wait: "no" });
  const tunnel = createTunnel(cli, client, agent.id);
  try {
    const isUpload = direction === "up";
    const stream = await tunnel.open(
      { case: "speedtest", value: { upload: isUpload, durationMs } },
      { signal: cli.signal },
    );
    cli.say(`Measuring ${direction === "up" ? "upload" : "download"} for ${durationMs / 1000} s…`);
    return await (isUpload
      ? upload(stream, durationMs, cli.signal)
      : download(stream, durationMs, cli.signal));
  } finally {
    await tunnel.close();
  }
}

async function download(stream: Duplex, durationMs: number, signal: AbortSignal): Promise<Interval[]> {
  const meter = createMeter();
  stream.on("data", (chunk: Buffer) => meter.add(chunk.length));
  await once(stream, "end", {
    signal: AbortSignal.any([signal, AbortSignal.timeout(durationMs + answerMs)]),
  });
  stream.end();
  return meter.end();
}

async function upload(stream: Duplex, durationMs: number, signal: AbortSignal): Promise<Interval[]> {
  const meter = createMeter();
  const chunk = Buffer.alloc(chunkBytes, 0x5a);
  const untilMs = performance.now() + durationMs;
  while (performance.now() < untilMs && !stream.destroyed) {
    const isRoom = stream.write(chunk);
    meter.add(chunkBytes);
    if (!isRoom) await once(stream, "drain", { signal });
  }
  stream.end();
  // The other end counts what arrived and says so at the end, as u64 big endian.
  const answer: Buffer[] = [];
  stream.on("data", (part: Buffer) => answer.push(part));
  await once(stream, "end", { signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]) });
  const intervals = meter.end();
  const arrived = Buffer.concat(answer);
  const total = intervals.at(-1);
  if (total && arrived.length === 8) {
    total.throughput_mbits = megabits(Number(arrived.readBigUInt64BE()), total.end_time_seconds);
  }
  return intervals;
}

/** Counts bytes by interval; the last line is the whole. */
function createMeter() {
  const startedMs = performance.now();
  const intervals: Interval[] = [];
  let fromMs = 0;
  let bytes = 0;
  let allBytes = 0;
  const close = (nowMs: number) => {
    intervals.push(interval(fromMs, nowMs, bytes, false));
    fromMs = nowMs;
    bytes = 0;
  };
  return {
    add(count: number) {
      bytes += count;
      allBytes += count;
      const nowMs = performance.now() - startedMs;
      if (nowMs - fromMs >= intervalMs) close(nowMs);
    },
    end(): Interval[] {
      const nowMs = performance.now() - startedMs;
      if (bytes > 0) close(nowMs);
      return [...intervals, interval(0, nowMs, allBytes, true)];
    },
  };
}

function interval(fromMs: number, toMs: number, bytes: number, isTotal: boolean): Interval {
  return {
    start_time_seconds: fromMs / 1000,
    end_time_seconds: toMs / 1000,
    throughput_mbits: megabits(bytes, (toMs - fromMs) / 1000),
    isTotal,
  };
}

function megabits(bytes: number, seconds: number): number {
  return seconds <= 0 ? 0 : (bytes * 8) / 1e6 / seconds;
}

function withoutMark({ isTotal: _, ...rest }: Interval): Omit<Interval, "isTotal"> {
  return rest;
}
