import { isTerraformFile } from "../archive/pack-directory.ts";
import { readTarFiles, type TarSource } from "../archive/read-tar.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { isRecord, parseHcl, parseHclJson } from "./hcl-json.ts";
import { type HclBlock, HclScanError, scanHcl } from "./scan-hcl.ts";

const MAX_FILES_BYTES = 8 * 1024 * 1024;

/** One block of the root module, from either syntax. `json` holds its arguments as Terraform's JSON form. */
export type RootBlock = {
  type: string;
  labels: string[];
  file: string;
  line: number;
  column: number;
  json: Record<string, unknown>;
  /** Null for a `.tf.json` file. */
  hcl: HclBlock | null;
};

/** The Terraform files of a template's root, with its README: what parsing a template needs. */
export async function readRootFiles(tar: TarSource): Promise<Map<string, string>> {
  const files = await readTarFiles(tar, ({ path }) => {
    return !path.includes("/") && (isTerraformFile(path) || path === "README.md");
  });
  return new Map([...files].map(([path, bytes]) => [path, bytes.toString("utf8")]));
}

/** Every block of the wanted types in the root module: by file, then line, override files last. */
export async function readRootBlocks(
  files: ReadonlyMap<string, string>,
  wanted: (type: string, labels: string[]) => boolean,
): Promise<{ blocks: RootBlock[]; diagnostics: Diagnostic[] }> {
  const blocks: RootBlock[] = [];
  const diagnostics: Diagnostic[] = [];
  const names = [...files.keys()].filter((file) => !file.includes("/") && isTerraformFile(file));
  names.sort((a, b) => Number(isOverride(a)) - Number(isOverride(b)) || (a < b ? -1 : 1));
  let bytes = 0;
  for (const file of names) {
    const text = files.get(file) ?? "";
    bytes += Buffer.byteLength(text);
    if (bytes > MAX_FILES_BYTES) {
      const detail = "The Terraform files of a template's root may have 8 MiB together.";
      return {
        blocks,
        diagnostics: [...diagnostics, { severity: "error", summary: "Template too large", detail, file }],
      };
    }
    const result = file.endsWith(".json")
      ? readJsonBlocks(file, text, wanted)
      : await readHclBlocks(file, text, wanted);
    blocks.push(...result.blocks);
    diagnostics.push(...result.diagnostics);
  }
  return { blocks, diagnostics };
}

/** Terraform merges the blocks of such files into those of the others. */
export function isOverride(file: string): boolean {
  return /^(?:.*_)?override\.tf(?:\.json)?$/.test(file);
}

type Wanted = (type: string, labels: string[]) => boolean;
type Found = { blocks: RootBlock[]; diagnostics: Diagnostic[] };

async function readHclBlocks(file: string, text: string, wanted: Wanted): Promise<Found> {
  try {
    // The scan comes first: it bounds the nesting that the parser below would follow down its stack.
    const body = scanHcl(text);
    const parsed = await parseHcl(file, text);
    if ("diagnostics" in parsed) return { blocks: [], diagnostics: parsed.diagnostics };
    const seen = new Map<string, number>();
    const blocks = body.blocks.flatMap((hcl): RootBlock[] => {
      const { type, labels, line, column } = hcl;
      const key = JSON.stringify([type, ...labels]);
      const nth = seen.get(key) ?? 0;
      seen.set(key, nth + 1);
      if (!wanted(type, labels)) return [];
      const json = blockJson(parsed.json, [type, ...labels], nth);
      return [{ type, labels, file, line, column, json, hcl }];
    });
    return { blocks, diagnostics: [] };
  } catch (error) {
    if (!(error instanceof HclScanError)) throw error;
    // The parser's own words are better where it has some; too deep a nesting is only ours to tell.
    const tooDeep = error.message.startsWith("Blocks and expressions");
    const parsed = tooDeep ? { json: {} } : await parseHcl(file, text);
    if ("diagnostics" in parsed) return { blocks: [], diagnostics: parsed.diagnostics };
    const summary = tooDeep ? "Nested too deeply" : "Invalid Terraform code";
    return {
      blocks: [],
      diagnostics: [{ severity: "error", summary, detail: error.message, file, ...error.position }],
    };
  }
}

function readJsonBlocks(file: string, text: string, wanted: Wanted): Found {
  const parsed = parseHclJson(file, text);
  if ("diagnostics" in parsed) return { blocks: [], diagnostics: parsed.diagnostics };
  const blocks: RootBlock[] = [];
  const visit = (type: string, value: unknown, labels: string[], depth: number): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(type, item, labels, depth);
    } else if (isRecord(value) && depth > 0) {
      for (const [label, inner] of Object.entries(value)) visit(type, inner, [...labels, label], depth - 1);
    } else if (isRecord(value) && wanted(type, labels)) {
      blocks.push({ type, labels, file, ...placeOf(text, labels.at(-1) ?? type), json: value, hcl: null });
    }
  };
  const labelCounts: Record<string, number> = {
    variable: 1,
    data: 2,
    resource: 2,
    module: 1,
    provider: 1,
    output: 1,
  };
  for (const [type, value] of Object.entries(parsed.json)) visit(type, value, [], labelCounts[type] ?? 0);
  return { blocks, diagnostics: [] };
}

function blockJson(json: unknown, path: string[], nth: number): Record<string, unknown> {
  let value = json;
  for (const key of path) value = isRecord(value) ? value[key] : undefined;
  const block: unknown = Array.isArray(value) ? value[nth] : value;
  return isRecord(block) ? block : {};
}

/** JSON.parse keeps no places; the first use of the name is near enough for a reader. */
function placeOf(text: string, name: string): { line: number; column: number } {
  const offset = Math.max(0, text.indexOf(JSON.stringify(name)));
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}
