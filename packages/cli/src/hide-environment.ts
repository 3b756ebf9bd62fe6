import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";

export type HideOptions = {
  /** Names of variables that others may go on reading. */
  mayShow: (name: string) => boolean;
  /** Values that came as words of the command line, such as a key. */
  words?: readonly (string | undefined)[];
};

/**
 * Takes the values of variables, and secret words, out of what the kernel shows of this process. What a template runs
 * has the user of its daemon: without this it reads the daemon's key, or the server's database URL, in
 * `/proc/<pid>/environ` and `/proc/<pid>/cmdline`. This process itself loses nothing: `process.env` and `process.argv`
 * stay as they are.
 *
 * Returns whether they are hidden; where there is no /proc there is nothing to do, and that is no.
 *
 * @example
 * hideEnvironment({ mayShow: (name) => name in whatTemplatesGet, words: [flags.key] });
 */
export function hideEnvironment({ mayShow, words = [] }: HideOptions): boolean {
  // Node opens its debugger at this signal, for whoever may send it. With a listener it does not.
  process.on("SIGUSR1", ignore);
  const areas = initialMemory();
  if (areas === null) return false;
  let memory: number | undefined;
  try {
    // In place, because only a new program would get another initial environment, and inherit its secrets by another way.
    memory = openSync("/proc/self/mem", "r+");
    hideVariables(memory, areas.environment, mayShow);
    hideWords(memory, areas.words, new Set(words));
    return true;
  } catch {
    // A kernel may forbid it, as some sandboxes do. The caller says what follows from that.
    return false;
  } finally {
    if (memory !== undefined) closeSync(memory);
  }
}

type Area = { start: number; end: number };

/** Where the kernel put the words and the environment with which this process was started (proc(5)). */
function initialMemory(): { words: Area; environment: Area } | null {
  let stat: string;
  try {
    stat = readFileSync("/proc/self/stat", "utf8");
  } catch {
    return null;
  }
  // The name of the program, second, may hold blanks; after its bracket comes the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3]);
  const [words, environment] = [
    { start: field(48), end: field(49) },
    { start: field(50), end: field(51) },
  ];
  return environment.start > 0 && environment.end >= environment.start ? { words, environment } : null;
}

function hideVariables(memory: number, area: Area, mayShow: HideOptions["mayShow"]): void {
  for (const { text, start } of stringsIn(memory, area)) {
    const equals = text.indexOf("=");
    if (equals < 0) continue;
    const name = text.subarray(0, equals).toString();
    if (mayShow(name)) continue;
    // Setting it makes a copy elsewhere, from which it is read from now on.
    const value = process.env[name];
    if (value !== undefined) process.env[name] = value;
    blank(memory, start + equals + 1, text.length - equals - 1, 0);
  }
}

function hideWords(memory: number, area: Area, hidden: ReadonlySet<string | undefined>): void {
  for (const { text, start } of stringsIn(memory, area)) {
    const word = text.toString();
    // Both `--key secret` and `--key=secret`.
    const equals = word.startsWith("--") ? text.indexOf("=") + 1 : 0;
    const value = [0, equals].find((at) => hidden.has(text.subarray(at).toString()));
    if (word !== "" && value !== undefined) blank(memory, start + value, text.length - value, 0x2a);
  }
}

function* stringsIn(memory: number, area: Area): Generator<{ text: Buffer; start: number }> {
  const bytes = Buffer.alloc(area.end - area.start);
  const length = readSync(memory, bytes, 0, bytes.length, area.start);
  for (let at = 0; at < length; ) {
    const found = bytes.indexOf(0, at);
    const end = found < 0 ? length : found;
    yield { text: bytes.subarray(at, end), start: area.start + at };
    at = end + 1;
  }
}

function blank(memory: number, start: number, length: number, fill: number): void {
  if (length > 0) writeSync(memory, Buffer.alloc(length, fill), 0, length, start);
}

const ignore = () => {};
