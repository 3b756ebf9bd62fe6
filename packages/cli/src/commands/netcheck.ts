import { networkInterfaces } from "node:os";
import { type Client, general } from "@slipway/api/client";
import type { Cli } from "../cli.ts";
import { ExitStatus } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";
import { echoOnce } from "../tunnel/echo-once.ts";

const pings = 5;
const timeoutMs = 5_000;

export const configure: Configure = (command, cli) => {
  command.action(() => netcheck(cli));
};

type Warning = { code: string; message: string };

/** Prints a report as JSON, under the names that Coder's has. Our relay is the server itself: it stands apart. */
async function netcheck(cli: Cli): Promise<void> {
  const client = await cli.clientFor(await cli.url(), await cli.token());
  cli.say(`Looking at the way to ${client.url} …`);
  const [latency, webSocket] = await Promise.all([measureLatency(cli, client), tryWebSocket(cli, client)]);
  const warnings: Warning[] = [];
  if (latency.error) warnings.push({ code: "EACS03", message: `No answer over HTTP: ${latency.error}` });
  if (webSocket.error) warnings.push({ code: "EWS01", message: `No WebSocket: ${webSocket.error}` });
  const isHealthy = warnings.length === 0;
  const report = {
    derp: { healthy: true, severity: "ok", warnings: [], dismissed: false, error: null, regions: {} },
    interfaces: { severity: "ok", warnings: [], dismissed: false, interfaces: interfaces() },
    relay: {
      healthy: isHealthy,
      severity: isHealthy ? "ok" : "error",
      warnings,
      url: client.url,
      latency_ms: latency.medianMs,
      websocket: webSocket.error === null,
      websocket_ms: webSocket.ms,
    },
  };
  cli.print(JSON.stringify(report, null, 2));
  if (!isHealthy) throw new ExitStatus(1);
}

async function measureLatency(cli: Cli, client: Client) {
  const tookMs: number[] = [];
  try {
    while (tookMs.length < pings) {
      const from = performance.now();
      const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(timeoutMs)]);
      await (await client.fetch(general.latencyCheck, { signal })).text();
      tookMs.push(performance.now() - from);
    }
  } catch (err) {
    cli.signal.throwIfAborted();
    return { medianMs: null, error: textOf(err) };
  }
  return { medianMs: round(tookMs.sort((a, b) => a - b)[Math.floor(pings / 2)] ?? 0), error: null };
}

async function tryWebSocket(cli: Cli, client: Client) {
  const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(timeoutMs)]);
  try {
    return { ms: round(await echoOnce(cli, client, signal)), error: null };
  } catch (err) {
    cli.signal.throwIfAborted();
    return { ms: null, error: signal.aborted ? `nothing came back within ${timeoutMs} ms` : textOf(err) };
  }
}

function interfaces() {
  return Object.entries(networkInterfaces()).map(([name, addresses]) => ({
    name,
    addresses: (addresses ?? []).flatMap(({ cidr }) => cidr ?? []),
  }));
}

const round = (ms: number) => Number(ms.toFixed(2));
const textOf = (err: unknown) => (err instanceof Error ? err.message : String(err));
