import { createHash } from "node:crypto";
import { once } from "node:events";
import { stat, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type OwnerLock = { release(): Promise<void> };

/** Another process, known by its pid when it answered, holds the data directory. */
export class DataDirectoryInUseError extends Error {
  override name = "DataDirectoryInUseError";
  readonly pid: number | undefined;
  constructor(dir: string, pid: number | undefined) {
    super(
      `Another server${pid === undefined ? "" : ` (process ${pid})`} uses the data directory ${dir}. ` +
        "Stop it first, or give this one a directory of its own with --global-config (CODER_CONFIG_DIR).",
    );
    this.pid = pid;
  }
}

/**
 * Makes this process the only owner of `dir` until it releases the lock or dies, however it dies: the lock is
 * a listening abstract socket, which the kernel frees. It is named after the directory itself, so that two
 * paths to the same directory meet.
 */
export async function acquireOwnerLock(dir: string): Promise<OwnerLock> {
  const { dev, ino } = await stat(dir);
  const hash = createHash("sha256").update(`${dev}:${ino}`).digest("hex").slice(0, 32);
  const address =
    process.platform === "linux" ? `\0slipway-pg-${hash}` : join(tmpdir(), `slipway-pg-${hash}.sock`);
  for (let attempt = 0; ; attempt++) {
    try {
      const server = await listen(address);
      return { release: () => close(server) };
    } catch (error) {
      if (!isAddressInUse(error)) throw error;
      const owner = await askOwner(address);
      // Without abstract sockets the file of a dead owner stays behind.
      if (owner.alive || process.platform === "linux" || attempt > 0) {
        throw new DataDirectoryInUseError(dir, owner.pid);
      }
      await unlink(address);
    }
  }
}

async function listen(address: string): Promise<Server> {
  // Whoever connects learns our pid for its error message, nothing else.
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(`${process.pid}\n`);
  });
  server.listen(address);
  await once(server, "listening");
  server.unref();
  return server;
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}

async function askOwner(address: string): Promise<{ alive: boolean; pid: number | undefined }> {
  const socket = connect(address);
  socket.setTimeout(500, () => socket.destroy());
  let answer = "";
  try {
    for await (const chunk of socket) {
      answer += String(chunk);
      if (answer.length > 20) break;
    }
    const pid = Number.parseInt(answer, 10);
    return { alive: true, pid: Number.isNaN(pid) ? undefined : pid };
  } catch {
    // Refused: nobody listens. The caller decides what that means on this platform.
    return { alive: false, pid: undefined };
  }
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
