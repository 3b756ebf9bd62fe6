import { readFileSync, type Stats } from "node:fs";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const HALF_A_YEAR_MS = 182 * 24 * 3600 * 1000;

/** Lines as `ls -l` prints them; clients show them as they are. Names of users are looked up once. */
export function createLongName(): (name: Buffer, stats: Stats) => Buffer {
  let users: Map<number, string> | undefined;
  let groups: Map<number, string> | undefined;
  return (name, stats) => {
    users ??= readNames("/etc/passwd");
    groups ??= readNames("/etc/group");
    const user = (users.get(stats.uid) ?? String(stats.uid)).padEnd(8);
    const group = (groups.get(stats.gid) ?? String(stats.gid)).padEnd(8);
    const line = `${modeText(stats)} ${String(stats.nlink).padStart(4)} ${user} ${group} ${String(stats.size).padStart(8)} ${dateText(stats.mtime)} `;
    return Buffer.concat([Buffer.from(line), name]);
  };
}

function readNames(path: string): Map<number, string> {
  const names = new Map<number, string>();
  try {
    for (const line of readFileSync(path, "utf8").split("\n")) {
      const [name, , id] = line.split(":");
      if (name !== undefined && id !== undefined) names.set(Number(id), name);
    }
  } catch {
    // Minimal images have none: numbers then.
  }
  return names;
}

function modeText(stats: Stats): string {
  const { mode } = stats;
  const kind = stats.isDirectory()
    ? "d"
    : stats.isSymbolicLink()
      ? "l"
      : stats.isSocket()
        ? "s"
        : stats.isFIFO()
          ? "p"
          : stats.isBlockDevice()
            ? "b"
            : stats.isCharacterDevice()
              ? "c"
              : "-";
  const triple = (shift: number, special: number, letter: string) => {
    const execute = (mode >> shift) & 1;
    const last = mode & special ? (execute ? letter : letter.toUpperCase()) : execute ? "x" : "-";
    return `${(mode >> shift) & 4 ? "r" : "-"}${(mode >> shift) & 2 ? "w" : "-"}${last}`;
  };
  return `${kind}${triple(6, 0o4000, "s")}${triple(3, 0o2000, "s")}${triple(0, 0o1000, "t")}`;
}

function dateText(date: Date): string {
  const day = `${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)}`;
  const isRecent = Math.abs(Date.now() - date.getTime()) < HALF_A_YEAR_MS;
  const two = (value: number) => String(value).padStart(2, "0");
  return isRecent
    ? `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
    : `${day}  ${date.getFullYear()}`;
}
