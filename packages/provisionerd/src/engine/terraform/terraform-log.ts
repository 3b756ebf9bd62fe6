import { LogLevel as ProtoLevel } from "@slipway/proto/provisioner";
import type { DiagnosticInit, LogLevel, TimingInit } from "../engine.ts";
import type { Operation } from "./creations.ts";
import type { ParsedLine, TerraformLogParser } from "./log-parser.ts";
import { type Attributes, blocks, int, isAttributes, text } from "./results/attributes.ts";
import { labelOf } from "./results/resource-address.ts";

// A template with more resources than this is shown and built all the same; only these lists end.
const MAX_REMEMBERED = 10_000;
const MAX_SNIPPET_LINES = 20;

/**
 * Reads what `terraform … -json` prints (engine.md §4, "Logs"). Diagnostics come out as people know them from
 * Terraform, with file, line and code. A warning is shown once for a resource, however many instances of it
 * repeat it and however often.
 */
export function createTerraformLogParser(): TerraformLogParser {
  const warned = new Set<string>();
  const timings = createTimings();

  function isRepeated(diagnostic: Attributes): boolean {
    const key = `${text(diagnostic, "summary")}\0${labelOf(text(diagnostic, "address"))}\0${text(diagnostic, "detail")}`;
    if (warned.has(key)) return true;
    if (warned.size < MAX_REMEMBERED) warned.add(key);
    return false;
  }

  return {
    timings: timings.list,
    line(line) {
      const event = parseEvent(line);
      if (event === null)
        return { logs: line.trim() === "" ? [] : [{ level: "info", output: line }], diagnostics: [] };
      timings.observe(event);
      const { diagnostic } = event;
      if (event.type === "diagnostic" && isAttributes(diagnostic)) {
        const isWarning = text(diagnostic, "severity") === "warning";
        return isWarning && isRepeated(diagnostic)
          ? { logs: [], diagnostics: [] }
          : expand(diagnostic, isWarning);
      }
      const level = readLevel(event["@level"]);
      const lines = text(event, "@message")
        .split("\n")
        .filter((output) => output.trim() !== "");
      const operation = readOperation(event);
      const logs = lines.map((output) => ({ level, output }));
      return { logs, diagnostics: [], ...(operation === null ? {} : { operation }) };
    },
  };
}

/** Null for what is not one of Terraform's own lines: providers and wrappers print to standard output, too. */
function parseEvent(line: string): Attributes | null {
  if (!line.startsWith("{")) return null;
  try {
    const event: unknown = JSON.parse(line);
    return isAttributes(event) && typeof event["@message"] === "string" ? event : null;
  } catch {
    // Not JSON: shown as it is.
    return null;
  }
}

/** Null for other events than those of `apply`. */
function readOperation(event: Attributes): Operation | null {
  const type = text(event, "type");
  const { hook } = event;
  if (!isAttributes(hook) || !isAttributes(hook.resource)) return null;
  if (type === "provision_start") return { phase: "provision", address: text(hook.resource, "addr") };
  const phase = /^apply_(start|complete|errored)$/.exec(type)?.[1];
  if (phase === undefined) return null;
  return {
    // One of the three that the expression names.
    phase: phase as "start" | "complete" | "errored",
    action: text(hook, "action"),
    address: text(hook.resource, "addr"),
  };
}

function readLevel(level: unknown): LogLevel {
  return level === "trace" || level === "debug" || level === "warn" || level === "error" ? level : "info";
}

function expand(diagnostic: Attributes, isWarning: boolean): ParsedLine {
  const level = isWarning ? "warn" : "error";
  const summary = text(diagnostic, "summary");
  const detail = text(diagnostic, "detail");
  const address = text(diagnostic, "address");
  const { file, line } = place(diagnostic);
  const isNamed = isWarning || address === "" || `${summary} ${detail}`.includes(address);
  const lines = [
    `${isWarning ? "Warning" : "Error"}: ${summary}`,
    ...snippet(diagnostic, file, line),
    ...detail.split("\n"),
  ].filter((output) => output.trim() !== "");
  const found: DiagnosticInit = {
    severity: isWarning ? ProtoLevel.WARN : ProtoLevel.ERROR,
    // A provider's words are about "the value": of what, only the address says.
    summary: isNamed ? summary : `${address}: ${summary}`,
    detail,
    file,
    line,
  };
  return { logs: lines.map((output) => ({ level, output })), diagnostics: [found] };
}

function place(diagnostic: Attributes): { file: string; line: number } {
  const { range } = diagnostic;
  if (!isAttributes(range)) return { file: "", line: 0 };
  return { file: text(range, "filename"), line: isAttributes(range.start) ? int(range.start, "line") : 0 };
}

/** As Terraform prints it: the place, the lines of code and the values that they had. */
function snippet(diagnostic: Attributes, file: string, line: number): string[] {
  const address = text(diagnostic, "address");
  if (file === "") return address === "" ? [] : [`  with ${address}`];
  const code = isAttributes(diagnostic.snippet) ? diagnostic.snippet : {};
  const context = text(code, "context");
  const first = int(code, "start_line") || line;
  return [
    ...(address === "" ? [] : [`  with ${address},`]),
    `  on ${file} line ${line}${context === "" ? "" : `, in ${context}`}:`,
    ...text(code, "code")
      .split("\n")
      .slice(0, MAX_SNIPPET_LINES)
      .map((source, i) => `  ${String(first + i).padStart(3)}: ${source}`),
    ...blocks(code, "values").map((value) => `    ${text(value, "traversal")} ${text(value, "statement")}`),
  ];
}

/** Spans of what Terraform did to single resources. */
function createTimings() {
  const open = new Map<string, { startedAtMs: bigint; action: string; source: string; resource: string }>();
  const done: TimingInit[] = [];
  let lastAtMs = 0n;

  function observe(event: Attributes): void {
    const match = /^(apply|refresh)_(start|complete|errored)$/.exec(text(event, "type"));
    const { hook } = event;
    if (match === null || !isAttributes(hook) || !isAttributes(hook.resource)) return;
    const atMs = Date.parse(text(event, "@timestamp"));
    if (Number.isNaN(atMs)) return;
    lastAtMs = BigInt(atMs);
    const resource = text(hook.resource, "addr");
    const action = match[1] === "refresh" ? "refresh" : text(hook, "action");
    const key = `${action}\0${resource}`;
    if (match[2] === "start") {
      if (open.size + done.length >= MAX_REMEMBERED) return;
      open.set(key, {
        startedAtMs: lastAtMs,
        action,
        resource,
        source: text(hook.resource, "implied_provider"),
      });
      return;
    }
    const span = open.get(key);
    if (span === undefined) return;
    open.delete(key);
    done.push({ ...span, endedAtMs: lastAtMs, state: match[2] === "complete" ? "completed" : "failed" });
  }

  // What was open when Terraform ended did not succeed.
  const list = (): TimingInit[] => [
    ...done,
    ...[...open.values()].map((span) => ({ ...span, endedAtMs: lastAtMs, state: "failed" })),
  ];
  return { observe, list };
}
