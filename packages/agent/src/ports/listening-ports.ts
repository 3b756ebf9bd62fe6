import { readdir, readFile, readlink } from "node:fs/promises";

export type ListeningPort = { processName: string; network: "tcp"; port: number };

const CACHE_MS = 1000;
const LISTEN_STATE = "0A";
/** Streams below 9 are ours in Coder's numbering, and these speak no HTTP: nobody wants them in a browser. */
const FIRST_USER_PORT = 9;
const NOT_WEB = new Set([
  20, 21, 22, 23, 25, 53, 110, 143, 179, 389, 465, 587, 636, 993, 995, 3306, 3389, 5432, 27017,
]);

/** TCP ports on which programs of this workspace listen; Linux only, cached for a second. */
export function createPortScanner(options: { ignore: ReadonlySet<number> }): () => Promise<ListeningPort[]> {
  let cached: Promise<ListeningPort[]> | undefined;
  let cachedAt = 0;
  return () => {
    if (cached === undefined || performance.now() - cachedAt > CACHE_MS) {
      cachedAt = performance.now();
      cached = scan(options.ignore);
    }
    return cached;
  };
}

async function scan(ignore: ReadonlySet<number>): Promise<ListeningPort[]> {
  const portOfInode = new Map<string, number>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const [inode, port] of parseTable(await readFile(table, "utf8").catch(() => ""))) {
      if (port >= FIRST_USER_PORT && !NOT_WEB.has(port) && !ignore.has(port)) portOfInode.set(inode, port);
    }
  }
  const nameOfPort = new Map<number, string>();
  for (const port of portOfInode.values()) nameOfPort.set(port, "");
  if (portOfInode.size > 0) await nameProcesses(portOfInode, nameOfPort);
  return [...nameOfPort]
    .map(([port, processName]) => ({ processName, network: "tcp" as const, port }))
    .sort((left, right) => left.port - right.port);
}

/** Inode and port of each socket in LISTEN state. */
export function parseTable(table: string): [inode: string, port: number][] {
  const found: [string, number][] = [];
  for (const line of table.split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[3] !== LISTEN_STATE) continue;
    const port = Number.parseInt(fields[1]?.split(":")[1] ?? "", 16);
    const inode = fields[9];
    if (Number.isInteger(port) && inode !== undefined) found.push([inode, port]);
  }
  return found;
}

/** Only processes that we may look into have a name here; the ports of others are listed without. */
async function nameProcesses(
  portOfInode: Map<string, number>,
  nameOfPort: Map<number, string>,
): Promise<void> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const fd of fds) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
      const port = portOfInode.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? "");
      if (port === undefined || nameOfPort.get(port) !== "") continue;
      nameOfPort.set(port, (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim());
    }
  }
}
