import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../make-directory.ts";
import { openEcho } from "../../tunnel/echo.ts";
import type { Tunnel } from "../../tunnel/tunnel.ts";

const relayName = "relay";
const echoTimeoutMs = 5_000;

/**
 * Writes the state of the connection to `<directory>/<parent pid>.json` every interval, where editors read it for
 * their status bars. Everything passes through the server, so `p2p` is false and the relay has one name.
 */
export function startNetworkInfo(
  tunnel: Tunnel,
  options: { directory: string; intervalMs: number; onError(err: unknown): void },
): { stop(): Promise<void> } {
  const { directory, intervalMs } = options;
  const file = join(directory, `${process.ppid}.json`);
  let last = { ...tunnel.traffic(), atMs: performance.now() };
  let isStopped = false;

  async function write(): Promise<void> {
    const latencyMs = await measure(tunnel);
    const now = { ...tunnel.traffic(), atMs: performance.now() };
    const seconds = Math.max(0.001, (now.atMs - last.atMs) / 1000);
    const info = {
      p2p: false,
      latency: latencyMs,
      preferred_derp: relayName,
      derp_latency: { [relayName]: latencyMs },
      upload_bytes_sec: Math.round((now.sentBytes - last.sentBytes) / seconds),
      download_bytes_sec: Math.round((now.receivedBytes - last.receivedBytes) / seconds),
      using_coder_connect: false,
    };
    last = now;
    if (isStopped) return;
    await makeDirectory(directory, { hint: "Choose another with --network-info-dir." });
    // Readers see the whole of it or the one before.
    await writeFile(`${file}.new`, JSON.stringify(info), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  let running = write().catch(options.onError);
  const timer = setInterval(() => {
    running = running.then(() => write().catch(options.onError));
  }, intervalMs);
  timer.unref();
  return {
    async stop() {
      isStopped = true;
      clearInterval(timer);
      await running;
      await rm(file, { force: true });
    },
  };
}

async function measure(tunnel: Tunnel): Promise<number> {
  const echo = await openEcho(tunnel, AbortSignal.timeout(echoTimeoutMs));
  try {
    return await echo.roundTrip(AbortSignal.timeout(echoTimeoutMs));
  } finally {
    echo.close();
  }
}
