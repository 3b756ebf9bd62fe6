import type { Diagnostic } from "./diagnostic.ts";
import { ParserStoppedError, runHclParser } from "./hcl-worker.ts";

const MAX_FILE_BYTES = 1024 * 1024;
// Nobody reads more of them, and one mistake can bring a hundred thousand.
const MAX_DIAGNOSTICS = 20;
// A name that no diagnostic quotes by chance; the real one takes its place afterwards.
const PLACEHOLDER = "slipway-input.tf";
const DIAGNOSTIC_START = /slipway-input\.tf:(\d+),(\d+)-(?:\d+,)?\d+: /g;

/** Parses a `.tf` text to Terraform's JSON form, or says what is wrong and where. */
export async function parseHcl(
  file: string,
  text: string,
): Promise<{ json: Record<string, unknown> } | { diagnostics: Diagnostic[] }> {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
    const detail = "A file of Terraform code may have 1 MiB. Split it.";
    return { diagnostics: [{ severity: "error", summary: "File too large", detail, file }] };
  }
  try {
    const json = await runHclParser("parse", PLACEHOLDER, text);
    return { json: isRecord(json) ? json : {} };
  } catch (error) {
    if (error instanceof ParserStoppedError) {
      const detail = `The file can't be read: ${error.message}. Make it shorter, above all its heredocs.`;
      return { diagnostics: [{ severity: "error", summary: "Parser stopped", detail, file }] };
    }
    return { diagnostics: readDiagnostics(file, error instanceof Error ? error.message : String(error)) };
  }
}

/** Parses a `.tf.json` text, or says what is wrong and where. */
export function parseHclJson(
  file: string,
  text: string,
): { json: Record<string, unknown> } | { diagnostics: Diagnostic[] } {
  const problem = (detail: string, place: { line?: number; column?: number } = {}) => ({
    diagnostics: [{ severity: "error" as const, summary: "Invalid JSON", detail, file, ...place }],
  });
  try {
    const json: unknown = JSON.parse(text);
    if (Array.isArray(json)) return { json: Object.assign({}, ...json.filter(isRecord)) };
    return isRecord(json) ? { json } : problem("The file must hold one JSON object.");
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const offset = /at position (\d+)/.exec(message)?.[1];
    const before = text.slice(0, offset === undefined ? text.length : Number(offset)).split("\n");
    const place = { line: before.length, column: (before.at(-1) ?? "").length + 1 };
    return problem(`${message.replace(/ in JSON at position.*/s, "")}.`, place);
  }
}

/** `parse config: [file:1,2-3: Summary; Detail. file:4,5-6: …]` is all that the parser tells. */
function readDiagnostics(file: string, message: string): Diagnostic[] {
  const body = message.replace(/^parse config: /, "").replace(/^\[(.*)\]$/s, "$1");
  const starts = [...body.matchAll(DIAGNOSTIC_START)];
  if (starts.length === 0) {
    return [{ severity: "error", summary: "Invalid Terraform code", detail: body, file }];
  }
  return starts.slice(0, MAX_DIAGNOSTICS).map((start, i) => {
    const text = body.slice(start.index + start[0].length, starts[i + 1]?.index).trim();
    const [summary = "", ...detail] = text.replaceAll(PLACEHOLDER, file).split("; ");
    return {
      severity: "error",
      summary,
      detail: detail.join("; "),
      file,
      line: Number(start[1]),
      column: Number(start[2]),
    };
  });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
