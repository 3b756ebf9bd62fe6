import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeDirectory } from "../environment/make-directory.ts";
import { errorText, type Log } from "./log.ts";
import { openRotatingFile, type RotatingFile } from "./rotating-file.ts";

const MAX_BYTES = 5 * 1024 * 1024;
const BACKUPS = 10;

export type AgentLog = Log & {
  /** Where the file is; undefined when no directory could be written. */
  path: string | undefined;
  /** The directory in which script logs go as well. */
  dir: string;
  close(): void;
};

/**
 * The agent's own log: lines for people on stderr, and `coder-agent.log` (5 MB, 10 backups) in `dir`. A directory
 * that cannot be written is replaced by one of our own below the temporary directory.
 */
export function createAgentLog(options: {
  dir: string;
  json?: boolean;
  verbose?: boolean;
  stderr?: (line: string) => void;
}): AgentLog {
  const toStderr = options.stderr ?? ((line: string) => process.stderr.write(line));
  const human = (level: string, fields: object, message: string) => {
    const extra = Object.entries(fields).map(([key, value]) => ` ${key}=${plain(value)}`);
    return `${new Date().toISOString()} [${level}] ${message}${extra.join("")}\n`;
  };
  const json = (level: string, fields: object, message: string) =>
    `${JSON.stringify({ time: new Date().toISOString(), level, msg: message, ...printable(fields) })}\n`;
  const format = options.json === true ? json : human;

  let file: RotatingFile | undefined;
  const dir = firstWritable([options.dir, join(tmpdir(), `coder-agent-${process.getuid?.() ?? 0}`)]);
  if (dir !== undefined) {
    file = openRotatingFile(join(dir, "coder-agent.log"), {
      maxBytes: MAX_BYTES,
      backups: BACKUPS,
      onError: (error) =>
        toStderr(
          format(
            "warn",
            { dir, error: errorText(error) },
            "the agent's log file cannot be written; stderr only",
          ),
        ),
    });
  }
  const write = (level: "debug" | "info" | "warn" | "error", fields: object, message: string) => {
    const line = format(level, fields, message);
    file?.write(line);
    if (level !== "debug" || options.verbose === true) toStderr(line);
  };
  const log: AgentLog = {
    path: dir === undefined ? undefined : join(dir, "coder-agent.log"),
    dir: dir ?? options.dir,
    close: () => file?.close(),
    debug: (fields, message) => write("debug", fields, message),
    info: (fields, message) => write("info", fields, message),
    warn: (fields, message) => write("warn", fields, message),
    error: (fields, message) => write("error", fields, message),
  };
  if (dir !== options.dir) {
    log.warn({ wanted: options.dir, used: dir ?? "none" }, "the log directory cannot be written");
  }
  return log;
}

function firstWritable(dirs: string[]): string | undefined {
  for (const dir of dirs) {
    try {
      makeDirectory(dir, 0o700);
      const probe = openRotatingFile(join(dir, "coder-agent.log"), {
        maxBytes: Number.POSITIVE_INFINITY,
        backups: 0,
        onError: (error) => {
          throw error;
        },
      });
      probe.write("");
      probe.close();
      return dir;
    } catch {
      // Read-only or full: the next candidate.
    }
  }
  return undefined;
}

function printable(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? errorText(value) : value]),
  );
}

function plain(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(errorText(value));
  return typeof value === "string" && /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
}
