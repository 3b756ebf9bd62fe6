import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { addSwitch, listOption } from "../../options.ts";
import { readyAgent } from "../../ready-agent.ts";
import type { Listening } from "./forward-tcp.ts";
import { type PortForward, parseForwards, refuseDuplicates } from "./parse-forwards.ts";

type PortForwardOptions = { tcp?: string[]; udp?: string[]; disableAutostart?: boolean };

const pollMs = 60_000;

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME, OWNER/NAME, NAME.AGENT or OWNER/NAME.AGENT");
  command.addOption(
    listOption(
      "-p, --tcp <forward>",
      "TCP: [ADDRESS:]LOCAL[:REMOTE], with ranges (repeatable)",
      "CODER_PORT_FORWARD_TCP",
    ),
  );
  command.addOption(
    listOption("--udp <forward>", "UDP, in the same form (repeatable)", "CODER_PORT_FORWARD_UDP"),
  );
  addSwitch(command, cli, "--disable-autostart", "do not start a stopped workspace", {
    env: "CODER_SSH_DISABLE_AUTOSTART",
  });
  command.action((workspace: string, options: PortForwardOptions) => portForward(cli, workspace, options));
};

async function portForward(cli: Cli, argument: string, options: PortForwardOptions): Promise<void> {
  const forwards = [...parseForwards("tcp", options.tcp ?? []), ...parseForwards("udp", options.udp ?? [])];
  if (forwards.length === 0) {
    throw new CliError("No port was named.", { hint: "Give --tcp or --udp, such as --tcp 8080." });
  }
  refuseDuplicates(forwards);
  const [{ createTunnel }, { forwardTcp }, { forwardUdp }, { startUsageReports }, { watchForEnd }] =
    await Promise.all([
      import("../../tunnel/tunnel.ts"),
      import("./forward-tcp.ts"),
      import("./forward-udp.ts"),
      import("../ssh/report-usage.ts"),
      import("../ssh/watch-workspace.ts"),
    ]);
  const client = await cli.client();
  const ready = await readyAgent(cli, client, argument, { autostart: !options.disableAutostart, wait: "no" });
  const tunnel = createTunnel(cli, client, ready.agent.id);
  let openConnections = 0;
  const onUse = (delta: 1 | -1) => {
    openConnections += delta;
  };
  const stopReports = startUsageReports(cli, client, ready, "ssh", () => openConnections > 0);
  const listening: Listening[] = [];
  const ended = new AbortController();
  try {
    for (const forward of forwards) {
      const listen = (host: string) =>
        (forward.protocol === "tcp" ? forwardTcp : forwardUdp)(cli, tunnel, forward, host, onUse);
      const opened = await listenOn(forward, listen);
      listening.push(...opened);
      const addresses = opened.map((one) => `${forward.protocol}://${one.address}`).join(" and ");
      cli.say(
        `Forwarding ${addresses} locally to ${forward.protocol}://127.0.0.1:${forward.remotePort} in the workspace`,
      );
    }
    cli.say("Ready!");
    await new Promise<void>((resolve, reject) => {
      const onSignal = () => resolve();
      cli.signal.addEventListener("abort", onSignal, { once: true });
      process.once("SIGHUP", onSignal);
      void watchForEnd(cli, client, ready.workspace, {
        pollMs,
        signal: ended.signal,
        onEnd: (reason) => reject(new CliError(reason)),
      });
    });
  } finally {
    ended.abort();
    stopReports();
    await Promise.all(listening.map((one) => one.close()));
    await tunnel.close();
  }
}

/** Without an address both loopback ones; a machine without IPv6 does with one. */
async function listenOn(
  forward: PortForward,
  listen: (host: string) => Promise<Listening>,
): Promise<Listening[]> {
  try {
    if (forward.host !== undefined) return [await listen(forward.host)];
    const main = await listen("127.0.0.1");
    const other = await listen("::1").catch(() => undefined);
    return other ? [main, other] : [main];
  } catch (err) {
    const why =
      err instanceof Error && "code" in err && err.code === "EADDRINUSE"
        ? "another program listens there"
        : err;
    throw new CliError(
      `Cannot listen on ${forward.protocol} port ${forward.localPort}: ${why instanceof Error ? why.message : why}.`,
      {
        hint: `Choose another local port, such as ${forward.localPort + 1}:${forward.remotePort}.`,
        cause: err,
      },
    );
  }
}
