import type { Client } from "@slipway/api/client";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import type { ReadyAgent } from "../../ready-agent.ts";
import type { Tunnel } from "../../tunnel/tunnel.ts";
import { createReconnectNotice } from "./reconnect-notice.ts";
import { asLinkError, brokenLinkStatus } from "./run-in-workspace.ts";
import type { SessionLog } from "./session-log.ts";
import { watchForEnd } from "./watch-workspace.ts";

const stepMs = 2_000;

/**
 * SSH's bytes on stdin and stdout, as `ProxyCommand` wants them; everything that is for people goes to stderr. The
 * SSH server at the other end is the agent's.
 */
export async function serveStdio(
  cli: Cli,
  client: Client,
  tunnel: Tunnel,
  { workspace }: ReadyAgent,
  options: { pollMs: number; log: SessionLog },
): Promise<void> {
  const { stdin, stdout } = cli;
  const { log } = options;
  const ended = new AbortController();
  const notice = createReconnectNotice(cli.stderr);
  let endReason: Error | undefined;
  let isDone = false;
  const stream = tunnel.openResumable(
    { case: "ssh", value: {} },
    {
      onState(state, cause) {
        log.write(`${state}${cause ? `: ${cause.message}` : ""}`);
        notice.show(state);
      },
    },
  );
  const stop = (reason: Error | undefined) => {
    isDone ||= reason === undefined;
    endReason ??= reason;
    stream.destroy(reason);
  };
  stdin.pipe(stream);
  stream.pipe(stdout);
  // The SSH client has gone. The agent answers with its own end, unless the connection is away just now.
  stdin.once("end", () => {
    isDone = true;
    setTimeout(() => stop(undefined), stepMs).unref();
  });
  stdin.on("error", () => stop(undefined));
  stdout.on("error", () => stop(undefined));
  const onSignal = () => stop(undefined);
  cli.signal.addEventListener("abort", onSignal, { once: true });
  process.once("SIGHUP", onSignal);
  void watchForEnd(cli, client, workspace, {
    pollMs: options.pollMs,
    signal: ended.signal,
    onEnd: (reason) => stop(new CliError(reason, { exitCode: brokenLinkStatus })),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      let failure: Error | undefined;
      stream.on("error", (err) => {
        failure = err;
      });
      stream.once("close", () => {
        const why = endReason ?? (isDone ? undefined : failure);
        if (why) reject(asLinkError(why));
        else resolve();
      });
    });
    log.write("closed");
  } catch (err) {
    log.write(`ended: ${err instanceof Error ? err.message : String(err)}`);
    throw err;
  } finally {
    ended.abort();
    notice.close();
    stdin.unpipe(stream);
    stdin.pause();
    cli.signal.removeEventListener("abort", onSignal);
    process.off("SIGHUP", onSignal);
  }
}
