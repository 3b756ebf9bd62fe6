import type { Readable } from "node:stream";
import type { ServerChannel } from "ssh2";
import { forgetWritten } from "./ssh2-internals.ts";

/** Writes to both outputs of a channel, one write at a time, until the channel is closed. */
export type ChannelWriter = {
  write(kind: "stdout" | "stderr", chunk: Buffer): Promise<void>;
  /** Gives everything that `source` has to the channel; what comes after the channel's close is dropped. */
  pump(source: Readable, kind: "stdout" | "stderr"): Promise<void>;
};

export function createChannelWriter(channel: ServerChannel, closed: Promise<void>): ChannelWriter {
  // A write that meets the close is no error of ours, and an unheard one would end the agent.
  channel.stderr.on("error", () => {});
  let isClosed = false;
  let release: (() => void) | undefined;
  void closed.then(() => {
    isClosed = true;
    release?.();
  });
  const writeNow = (kind: "stdout" | "stderr", chunk: Buffer) =>
    new Promise<void>((resolve) => {
      if (isClosed) return resolve();
      // A write that is cut off by the close never calls back.
      release = resolve;
      const target = kind === "stdout" ? channel : channel.stderr;
      target.write(chunk, () => {
        forgetWritten(channel, kind);
        resolve();
      });
    });
  let last: Promise<void> = Promise.resolve();
  // One at a time: the library keeps a waiting chunk of either output in one place.
  const write = (kind: "stdout" | "stderr", chunk: Buffer) => {
    const turn = last.then(() => writeNow(kind, chunk));
    last = turn;
    return turn;
  };
  return {
    write,
    async pump(source, kind) {
      try {
        for await (const chunk of source) await write(kind, chunk);
      } catch {
        // The pipe broke with the process: its exit status says the rest.
      }
    },
  };
}
