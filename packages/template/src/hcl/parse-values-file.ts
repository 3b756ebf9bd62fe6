import { parse as parseYaml, YAMLParseError } from "yaml";
import { TemplateError } from "../template-error.ts";
import { formatDiagnostic } from "./diagnostic.ts";
import { EvaluationError } from "./evaluate/errors.ts";
import { evaluateConstant, type Plain } from "./evaluate-constant.ts";
import { isRecord, parseHcl } from "./hcl-json.ts";
import { HclScanError, scanHcl } from "./scan-hcl.ts";

const MAX_BYTES = 1024 * 1024;

/**
 * Values of variables from a file: `*.tfvars` and `*.tfvars.json` as Terraform reads them, else YAML with
 * `name: value` as `--variables-file` takes it. Values that are no strings are given as JSON.
 */
export async function parseTfvars(text: string, fileName: string): Promise<Record<string, string>> {
  if (Buffer.byteLength(text) > MAX_BYTES) throw problem(fileName, "is larger than 1 MiB");
  const values = await readValues(text, fileName);
  const entries = Object.entries(values).filter(([, value]) => value !== null);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/** The files that Terraform would read by itself, in its order: later ones win. */
export function isAutoTfvars(fileName: string): boolean {
  return (
    /^terraform\.tfvars(?:\.json)?$|\.auto\.tfvars(?:\.json)?$/.test(fileName) && !fileName.includes("/")
  );
}

async function readValues(text: string, fileName: string): Promise<Record<string, Plain>> {
  if (fileName.endsWith(".tfvars")) return readTfvars(text, fileName);
  let parsed: unknown;
  try {
    parsed = fileName.endsWith(".json") ? JSON.parse(text) : parseYaml(text, { maxAliasCount: 20 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw problem(
      fileName,
      `can't be read: ${error instanceof YAMLParseError ? reason.split("\n")[0] : reason}`,
      error,
    );
  }
  if (parsed === null || parsed === undefined) return {};
  if (!isRecord(parsed)) throw problem(fileName, "must hold names with values, one `name: value` a line");
  // JSON.parse and the YAML parser yield nothing but JSON's values here.
  return parsed as Record<string, Plain>;
}

async function readTfvars(text: string, fileName: string): Promise<Record<string, Plain>> {
  const refusal = (reference: string) => `A values file may not refer to anything, such as ${reference}.`;
  try {
    const body = scanHcl(text);
    const parsed = await parseHcl(fileName, text);
    if ("diagnostics" in parsed) {
      throw problem(fileName, `can't be read: ${parsed.diagnostics.map(formatDiagnostic).join(" ")}`);
    }
    const block = body.blocks[0];
    if (block !== undefined)
      throw problem(fileName, `holds a block at line ${block.line}; write \`name = value\``);
    const values: Record<string, Plain> = {};
    for (const { name, source, line } of body.attributes.values()) {
      try {
        values[name] = evaluateConstant(source, refusal);
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        throw problem(fileName, `has no usable value for "${name}" at line ${line}: ${error.message}`, error);
      }
    }
    return values;
  } catch (error) {
    if (!(error instanceof HclScanError)) throw error;
    const { line, column } = error.position;
    throw problem(fileName, `can't be read at ${line},${column}: ${error.message}`, error);
  }
}

function problem(fileName: string, what: string, cause?: unknown): TemplateError {
  return new TemplateError("invalid_values_file", `${fileName} ${what}.`, { path: fileName, cause });
}
