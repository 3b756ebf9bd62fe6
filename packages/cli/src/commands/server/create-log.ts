import { closeSync, openSync, writeSync } from "node:fs";
import type { ServerConfig } from "@slipway/server";
import pino, { type Logger } from "pino";

type LogConfig = Pick<ServerConfig, "logHuman" | "logJson" | "logStackdriver" | "logFilter" | "verbose">;

type Sink = { write(line: string): void };

const levelNames: Readonly<Record<number, string>> = {
  10: "TRACE",
  20: "DEBUG",
  30: "INFO",
  40: "WARN",
  50: "ERROR",
  60: "FATAL",
};

/**
 * The server's log: human lines, JSON, or Google Cloud's JSON, each to the file that was asked for. Debug lines pass
 * when a filter selects them by logger and message (access.md 10.4), or all of them with `--verbose` and no filter.
 */
export function createLog(config: LogConfig): { log: Logger; close(): void } {
  const opened: number[] = [];
  const sinks: Sink[] = [];
  const add = (path: string, format: (entry: Record<string, unknown>) => string) => {
    if (path === "") return;
    const fd = path === "/dev/stderr" ? 2 : path === "/dev/stdout" ? 1 : openSync(path, "a", 0o640);
    if (fd > 2) opened.push(fd);
    sinks.push({ write: (line) => writeLine(fd, format(JSON.parse(line))) });
  };
  const filters = config.logFilter.map((pattern) => new RegExp(pattern));
  add(config.logHuman, formatHuman);
  add(config.logJson, (entry) => JSON.stringify(entry));
  add(config.logStackdriver, formatStackdriver);
  const wantsDebug = filters.length > 0 || config.verbose;
  const log = pino(
    {
      level: sinks.length === 0 ? "silent" : wantsDebug ? "debug" : "info",
      base: null,
      // The second line of defence: what must never be logged is not handed to the log in the first place.
      redact: ["password", "token", "session_token", "key", "secret", "*.password", "*.token", "*.secret"],
      hooks: { streamWrite: (line: string) => (passes(line, filters) ? line : "") },
    },
    {
      write(line: string) {
        if (line === "") return;
        for (const sink of sinks) sink.write(line);
      },
    },
  );
  return {
    log,
    close() {
      for (const fd of opened) closeSync(fd);
    },
  };
}

function passes(line: string, filters: readonly RegExp[]): boolean {
  if (filters.length === 0 || !line.includes(`"level":20`)) return true;
  const entry: { logger?: string; msg?: string } = JSON.parse(line);
  const text = `${entry.logger ?? ""}: ${entry.msg ?? ""}`;
  return filters.some((filter) => filter.test(text));
}

function writeLine(fd: number, text: string): void {
  try {
    writeSync(fd, `${text}\n`);
  } catch {
    // A full disk or a closed terminal: a server that cannot log goes on serving.
  }
}

function formatHuman(entry: Record<string, unknown>): string {
  const { level, time, msg, logger, err, ...fields } = entry;
  const at = new Date(Number(time)).toISOString().replace("T", " ").slice(0, 23);
  const name = logger ? ` ${String(logger)}:` : "";
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) =>
        `${key}=${typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`,
    )
    .join(" ");
  const line = `${at} [${(levelNames[Number(level)] ?? "INFO").padEnd(5)}]${name} ${String(msg ?? "")}${rest ? `  ${rest}` : ""}`;
  if (!err || typeof err !== "object") return line;
  const { stack, message } = err as { stack?: string; message?: string };
  return `${line}\n    ${(stack || message || JSON.stringify(err)).replaceAll("\n", "\n    ")}`;
}

function formatStackdriver(entry: Record<string, unknown>): string {
  const { level, time, msg, logger, ...fields } = entry;
  const severity = (levelNames[Number(level)] ?? "INFO")
    .replace("WARN", "WARNING")
    .replace("FATAL", "CRITICAL");
  return JSON.stringify({
    severity,
    timestamp: new Date(Number(time)).toISOString(),
    message: msg,
    logger,
    ...fields,
  });
}
