import { open, stat, utimes } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";

/** Accepts connections while its owner lives: from all containers of a kernel, whatever their namespaces. */
const SOCKET = "alive";
const BEAT_MS = 2_000;
/**
 * Who shows nothing for so long, while we look, is dead. What a dead daemon had started is ended by its supervisor within
 * five seconds (supervisor.ts), and cannot be seen from here.
 */
const QUIET_MS = 8_000;
/** The same where no socket could tell, as on another host: longer than a lease, so that nothing runs any more. */
const LONG_QUIET_MS = 30_000;
const OLD_BEAT_MS = 20_000;

/**
 * Shows, until it is stopped, that the owner of `dir` lives, to those who cannot look for its pid: by a socket in it, and
 * by the time of `file` in it. The directory may be renamed meanwhile.
 */
export async function showLife(dir: string, file: string): Promise<() => Promise<void>> {
  const handle = await open(dir, "r");
  // Short whatever the directory's name, and good for wherever it is moved: a socket's path may have 107 bytes.
  const inside = (name: string) => `/proc/self/fd/${handle.fd}/${name}`;
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => {
    // Not every file system has sockets: the beat tells there, somewhat later.
    server.on("error", () => resolve());
    server.listen(inside(SOCKET), resolve);
  });
  server.unref();
  const beat = setInterval(() => {
    const now = new Date();
    void utimes(inside(file), now, now).catch(() => {}); // It is being removed.
  }, BEAT_MS).unref();
  return async () => {
    clearInterval(beat);
    // First, as it removes its file by that path.
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await handle.close();
  };
}

export type Life = "alive" | "dead" | "unsure";

/** Remembers since when the owners of directories are quiet: on one's own clock, as those of other hosts may be off. */
export type LifeWatch = {
  /** Whether an owner whose pid means nothing here lives. `file` is what it was given to show it by. */
  look(dir: string, file: string, isSameKernel: boolean): Promise<Life>;
  /** Forgets all directories but these. */
  keepOnly(dirs: readonly string[]): void;
};

export function createLifeWatch(nowMs = () => performance.now()): LifeWatch {
  const seen = new Map<string, { beat: string; wasAlive: boolean; lookedAtMs: number; quietMs: number }>();
  return {
    async look(dir, file, isSameKernel) {
      const answer = isSameKernel ? await ask(dir) : "nobody";
      const found = await fresh(join(dir, file));
      const beat = found === null ? "" : String(found.mtimeMs);
      const lookedAtMs = nowMs();
      const before = seen.get(dir);
      if (answer === "alive" || (before !== undefined && before.beat !== beat)) {
        seen.set(dir, { beat, wasAlive: true, lookedAtMs, quietMs: 0 });
        return "alive";
      }
      if (before === undefined) {
        seen.set(dir, { beat, wasAlive: false, lookedAtMs, quietMs: 0 });
        return "unsure";
      }
      // Who did not look does not know: both may have been frozen.
      const quietMs = before.quietMs + Math.min(lookedAtMs - before.lookedAtMs, 2 * BEAT_MS);
      seen.set(dir, { ...before, lookedAtMs, quietMs });
      if (quietMs >= LONG_QUIET_MS) return "dead";
      if (quietMs < QUIET_MS) return before.wasAlive ? "alive" : "unsure";
      const isOld = found === null || Date.now() - found.mtimeMs >= OLD_BEAT_MS;
      return answer === "refused" || isOld ? "dead" : "unsure";
    },
    keepOnly(dirs) {
      const kept = new Set(dirs);
      for (const dir of seen.keys()) if (!kept.has(dir)) seen.delete(dir);
    },
  };
}

// Opened, as network file systems keep what they know of a file, and ask again when it is opened.
async function fresh(file: string): Promise<{ mtimeMs: number } | null> {
  const handle = await open(file, "r").catch(() => null);
  if (handle === null) return stat(file).catch(() => null);
  return handle.stat().finally(() => handle.close());
}

/** "nobody": there is no socket that could answer. */
async function ask(dir: string): Promise<"alive" | "refused" | "nobody"> {
  const handle = await open(dir, "r").catch(() => null);
  if (handle === null) return "nobody";
  try {
    return await new Promise((resolve) => {
      const socket = connect(`/proc/self/fd/${handle.fd}/${SOCKET}`, () => {
        socket.destroy();
        resolve("alive");
      });
      socket.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ECONNREFUSED") resolve("refused");
        // Whoever has more callers than it answers, as when its container is paused, is there.
        else resolve(error.code === "EAGAIN" ? "alive" : "nobody");
      });
    });
  } finally {
    await handle.close();
  }
}
