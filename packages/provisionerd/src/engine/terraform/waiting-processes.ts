import { type ChildProcess, spawn } from "node:child_process";

/** What a waiting process becomes. */
export type Program = {
  file: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
};

export type WaitingProcess = {
  /** Leads a process group of its own; standard output, standard error and its word to go are pipes. */
  child: ChildProcess;
  go(): void;
};

export type WaitingProcesses = {
  /** A process that becomes the program when it is told to go, and ends without it when this process dies before. */
  take(program: Program): WaitingProcess;
  close(): void;
};

/** When the next one is made: by then the program is busy with itself, and not with its start. */
const NEXT_AFTER_MS = 100;

// `cat`, because Node's pipes are sockets, which no path leads to; it waits with the shell.
const WAIT = ["-c", 'umask 077; eval "$(cat <&3)"'];

// Node replaces itself without a shell in between.
const WAIT_IN_NODE = `
process.umask(0o077);
const { file, args, cwd, env } = JSON.parse(require("node:fs").readFileSync(3, "utf8"));
process.chdir(cwd);
process.execve(file, [file, ...args], env);
`;

/**
 * Keeps one shell in store that waits, on a pipe, for what to become: a process as large as a server takes up to 20 ms
 * to make another one, in which nothing else moves, and with one in store no build waits for that.
 */
export function createWaitingProcesses(): WaitingProcesses {
  let stored: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const store = () => {
    if (isClosed || stored !== undefined) return;
    const shell = launch("/bin/sh", WAIT);
    const drop = () => {
      if (stored === shell) stored = undefined;
    };
    // Whoever ends it meanwhile does no harm: the next program has a new one made.
    shell.once("error", drop);
    shell.once("exit", drop);
    setReferences(shell, "unref");
    stored = shell;
  };

  function takeShell(): ChildProcess {
    const shell = stored ?? launch("/bin/sh", WAIT);
    stored = undefined;
    setReferences(shell, "ref");
    clearTimeout(timer);
    timer = setTimeout(store, NEXT_AFTER_MS).unref();
    return shell;
  }

  return {
    take(program) {
      if (Object.keys(program.env).every(passesThroughShells)) {
        const child = takeShell();
        return { child, go: () => tell(child, shellScript(program)) };
      }
      const child = launch(process.execPath, ["--disable-warning=ExperimentalWarning", "-e", WAIT_IN_NODE]);
      return { child, go: () => tell(child, JSON.stringify(program)) };
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      if (stored !== undefined) tell(stored, "");
    },
  };
}

// Its environment comes with its word: nothing of ours is to lie in that of a process that waits.
function launch(file: string, args: readonly string[]): ChildProcess {
  return spawn(file, args, { cwd: "/", env: {}, detached: true, stdio: ["ignore", "pipe", "pipe", "pipe"] });
}

function tell(child: ChildProcess, word: string): void {
  const pipe = child.stdio[3] as NodeJS.WritableStream; // "pipe" above makes it one.
  pipe.on("error", () => {}); // The process has ended already; its exit says why.
  pipe.end(word);
}

function setReferences(child: ChildProcess, which: "ref" | "unref"): void {
  child[which]();
  // Pipes are sockets, which have both.
  for (const stream of child.stdio) (stream as { ref?(): void; unref?(): void } | null)?.[which]?.();
}

// Shells drop other names, such as TF_VAR_my-variable, and bash refuses to set some of its own.
const SHELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NAMES_OF_SHELLS = new Set(["UID", "EUID", "PPID", "SHELLOPTS", "BASHOPTS", "BASH_VERSINFO", "IFS"]);
const passesThroughShells = (name: string) => SHELL_NAME.test(name) && !NAMES_OF_SHELLS.has(name);

/** A function, so that of half a script, from a daemon that died while it wrote, nothing is run. */
function shellScript({ file, args, cwd, env }: Program): string {
  return [
    "go() {",
    ...Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`),
    `cd -- ${quote(cwd)} || exit 125`,
    "exec 3<&-",
    `exec ${[file, ...args].map(quote).join(" ")}`,
    "}",
    "go\n",
  ].join("\n");
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
