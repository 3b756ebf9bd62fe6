import { setTimeout as sleep } from "node:timers/promises";
import type { Cli } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";
import { addSwitch, numberOption, readDuration } from "../options.ts";
import { readyAgent } from "../ready-agent.ts";

type PingOptions = { wait: string; timeout: string; num: number; time?: boolean; utc?: boolean };

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME, OWNER/NAME, NAME.AGENT or OWNER/NAME.AGENT");
  command.option("--wait <duration>", "pause between two pings", "1s");
  command.option("-t, --timeout <duration>", "how long to wait for an answer", "5s");
  command.addOption(numberOption("-n, --num <count>", "how many to send; 0: until interrupted").default(0));
  addSwitch(command, cli, "--time", "begin lines with the time");
  addSwitch(command, cli, "--utc", "begin lines with the time in UTC");
  command.action((workspace: string, options: PingOptions) => ping(cli, workspace, options));
};

async function ping(cli: Cli, argument: string, options: PingOptions): Promise<void> {
  const waitMs = readDuration("--wait", options.wait);
  const timeoutMs = readDuration("--timeout", options.timeout);
  const [{ createTunnel }, { openEcho }] = await Promise.all([
    import("../tunnel/tunnel.ts"),
    import("../tunnel/echo.ts"),
  ]);
  const client = await cli.client();
  const { workspace, agent } = await readyAgent(cli, client, argument, { autostart: false, wait: "no" });
  const tunnel = createTunnel(cli, client, agent.id);
  const onHangup = new AbortController();
  const stop = AbortSignal.any([cli.signal, onHangup.signal]);
  process.once("SIGHUP", () => onHangup.abort());
  // Heard, so that the first Ctrl-C ends us in order, with the summary.
  cli.signal.addEventListener("abort", () => {}, { once: true });
  const times: number[] = [];
  let sent = 0;
  let echo: Awaited<ReturnType<typeof openEcho>> | undefined;
  try {
    while (!stop.aborted && (options.num === 0 || sent < options.num)) {
      if (sent > 0) await sleep(waitMs, undefined, { signal: stop }).catch(() => {}); // Then the loop ends.
      if (stop.aborted) break;
      sent++;
      const within = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
      try {
        echo ??= await openEcho(tunnel, within);
        const ms = await echo.roundTrip(within);
        times.push(ms);
        cli.print(
          `${stamp(options)}pong from ${cli.out.bold(workspace.name)} relayed via ${cli.out.bold(new URL(client.url).host)} in ${ms.toFixed(2)}ms`,
        );
      } catch (err) {
        if (stop.aborted) break;
        // The next one begins on a stream of its own: answers that come late must not be taken for its.
        echo?.close();
        echo = undefined;
        const isLate = within.aborted;
        cli.print(
          `${stamp(options)}ping to ${workspace.name} ${isLate ? "timed out" : `failed: ${err instanceof Error ? err.message : err}`}`,
        );
      }
    }
  } finally {
    echo?.close();
    await tunnel.close();
  }
  summary(cli, sent, times);
}

function summary(cli: Cli, sent: number, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const mean = times.reduce((sum, ms) => sum + ms, 0) / Math.max(1, times.length);
  const lost = sent === 0 ? 0 : Math.round(((sent - times.length) / sent) * 100);
  cli.print(`\n${sent} sent, ${times.length} answered, ${lost}% lost`);
  if (times.length > 0) {
    const figures = [sorted[0] ?? 0, mean, sorted.at(-1) ?? 0].map((ms) => `${ms.toFixed(2)}ms`);
    cli.print(`round trip min/avg/max = ${figures.join("/")}`);
  }
  cli.print("✔ You are connected by the server's relay; there are no direct (p2p) connections.");
  if (sent > 0 && times.length === 0) throw new CliError("No ping was answered.");
}

function stamp({ time, utc }: PingOptions): string {
  if (!time && !utc) return "";
  const now = new Date();
  const shown = utc
    ? now.toISOString()
    : new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
  return `${shown.replace("T", " ")} `;
}
