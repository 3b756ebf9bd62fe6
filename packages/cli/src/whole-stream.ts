import { setTimeout as sleep } from "node:timers/promises";
import { ApiConnectionError, ApiResponseError } from "@slipway/api/client";
import type { Cli } from "./cli.ts";
import { socketMessages } from "./socket-messages.ts";

type Numbered = { id: number };

export type WholeStream<T extends Numbered> = {
  /** Address of the socket with what comes after the one with this id. */
  address(after: number): { url: string; headers: Record<string, string> };
  read(message: string): readonly T[];
  /** Asks the server for anything: is it there, and may we still see this? */
  probe(): Promise<unknown>;
};

/** How a server says that nothing more will come; it closes otherwise when it stops, and when the network fails. */
const allSent = 1000;
const patienceMs = 10 * 60_000;
const maxPauseMs = 5_000;
/** Of a server that answers, but not here: something between refuses WebSockets. */
const maxRefusals = 5;

/** All that a log's socket sends until the server says that it was all, also over the time that the server is away. */
export async function* wholeStream<T extends Numbered>(cli: Cli, stream: WholeStream<T>): AsyncGenerator<T> {
  let after = 0;
  let refusals = 0;
  let pauseMs = 250;
  for (;;) {
    let closedWith: number | undefined;
    let failure: unknown;
    try {
      const onClose = (code: number) => {
        closedWith = code;
      };
      for await (const text of socketMessages(cli, stream.address(after), cli.signal, onClose)) {
        for (const one of stream.read(text)) {
          after = Math.max(after, one.id);
          yield one;
        }
        pauseMs = 250;
        refusals = 0;
      }
    } catch (err) {
      cli.signal.throwIfAborted();
      failure = err;
    }
    if (closedWith === allSent && failure === undefined) return;
    cli.debug(`logs: ${failure instanceof Error ? failure.message : `closed with ${closedWith}`}`);
    await untilThere(cli, stream.probe);
    if (failure !== undefined && ++refusals > maxRefusals) throw failure;
    await pause(cli, pauseMs);
    pauseMs = Math.min(pauseMs * 2, maxPauseMs);
  }
}

async function untilThere(cli: Cli, probe: () => Promise<unknown>): Promise<void> {
  const sinceMs = performance.now();
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      await probe();
      return;
    } catch (err) {
      cli.signal.throwIfAborted();
      const isAway =
        err instanceof ApiConnectionError || (err instanceof ApiResponseError && err.status >= 502);
      if (!isAway || performance.now() - sinceMs > patienceMs) throw err;
      if (pauseMs === 250) cli.say("The server is away, waiting for it.");
    }
    await pause(cli, pauseMs);
  }
}

async function pause(cli: Cli, ms: number): Promise<void> {
  await sleep(ms, undefined, { signal: cli.signal }).catch(() => {
    throw cli.signal.reason;
  });
}
