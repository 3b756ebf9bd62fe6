import { once } from "node:events";
import type { Tunnel } from "./tunnel.ts";

/** A stream on which the agent sends back every byte. */
export type Echo = {
  /** Milliseconds until one small message is back from the workspace. One at a time. */
  roundTrip(signal: AbortSignal): Promise<number>;
  close(): void;
};

const messageBytes = 32;

export async function openEcho(tunnel: Tunnel, signal: AbortSignal): Promise<Echo> {
  const stream = await tunnel.open({ case: "ping", value: {} }, { signal });
  stream.on("error", () => {}); // What went wrong is told to whoever waits for an answer.
  let sent = 0;
  let received = 0;
  stream.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (received >= sent) stream.emit("echo");
  });
  return {
    async roundTrip(waiting) {
      if (stream.destroyed) throw new Error("The connection to the workspace was lost.");
      const back = once(stream, "echo", { signal: waiting });
      const gone = new AbortController();
      const lost = once(stream, "close", { signal: gone.signal }).then(() => {
        throw new Error("The connection to the workspace was lost.");
      });
      const startedMs = performance.now();
      sent += messageBytes;
      stream.write(Buffer.alloc(messageBytes));
      try {
        await Promise.race([back, lost]);
        return performance.now() - startedMs;
      } finally {
        lost.catch(() => {}); // It is aborted in the next line, or has been told already.
        gone.abort();
      }
    },
    close: () => void stream.destroy(),
  };
}
