import type { Diagnostic } from "../diagnostic.ts";
import { isRecord } from "../hcl-json.ts";
import type { HclBody } from "../scan-hcl.ts";
import { SyntaxProblem } from "../syntax/cursor.ts";
import type { Expression } from "../syntax/expression.ts";
import { parseExpression, parseTemplate } from "../syntax/parse-expression.ts";
import type { RootBlock } from "../template-files.ts";
import { type ParsedArgument, type ParsedBlock, type Place, placeOf } from "./parsed-template.ts";

type Report = (diagnostic: Diagnostic) => void;

/** The trees of a block and of the blocks in it. */
export function parseBlock(block: RootBlock, report: Report): ParsedBlock {
  const place = { file: block.file, line: block.line, column: block.column };
  const { type, labels } = block;
  if (block.hcl === null)
    return { type, labels, ...place, ...parseJsonBody(type, block.json, place, report) };
  return { type, labels, ...place, ...parseBody(block.hcl, block.file, report) };
}

type Body = Pick<ParsedBlock, "arguments" | "blocks">;

function parseBody(body: HclBody, file: string, report: Report): Body {
  const args: Record<string, ParsedArgument> = {};
  for (const { name, source, value } of body.attributes.values()) {
    const place = { file, ...value };
    const tree = attempt(() => parseExpression(source), source, place, report);
    if (tree !== null) args[name] = { ...place, tree, text: source };
  }
  const blocks = body.blocks.map((block) => {
    const { type, labels, line, column } = block;
    return { type, labels, file, line, column, ...parseBody(block, file, report) };
  });
  return { arguments: args, blocks };
}

/** Names that are blocks where the JSON syntax can't tell them from arguments. */
const NESTED: Record<string, readonly string[]> = {
  data: ["option", "validation", "dynamic"],
  dynamic: ["content"],
  variable: ["validation"],
};

function parseJsonBody(type: string, json: Record<string, unknown>, place: Place, report: Report): Body {
  const body: Body = { arguments: {}, blocks: [] };
  for (const [name, value] of Object.entries(json)) {
    if (name === "//") continue;
    if (NESTED[type]?.includes(name)) {
      for (const [labels, inner] of labelled(name, value)) {
        body.blocks.push({ type: name, labels, ...place, ...parseJsonBody(name, inner, place, report) });
      }
      continue;
    }
    const text = typeof value === "string" ? value : JSON.stringify(value);
    // A type is an expression, the default of a variable is a plain value: nothing in them is a template.
    const isPlain = type === "variable";
    const tree =
      isPlain && name === "type"
        ? attempt(() => parseExpression(text), text, place, report)
        : attempt(() => jsonTree(value, isPlain), text, place, report);
    if (tree !== null) body.arguments[name] = { ...place, tree, text };
  }
  return body;
}

function labelled(name: string, value: unknown): [labels: string[], body: Record<string, unknown>][] {
  if (Array.isArray(value)) return value.flatMap((item) => labelled(name, item));
  if (!isRecord(value)) return [];
  if (name !== "dynamic") return [[[], value]];
  return Object.entries(value).flatMap(([label, inner]): [string[], Record<string, unknown>][] => {
    return (Array.isArray(inner) ? inner : [inner]).filter(isRecord).map((body) => [[label], body]);
  });
}

function jsonTree(json: unknown, isPlain: boolean): Expression {
  if (typeof json === "string")
    return isPlain ? { type: "literal", at: 0, value: json } : parseTemplate(json);
  if (typeof json === "number") {
    const tree: Expression = { type: "number", at: 0, digits: String(Math.abs(json)) };
    return json < 0 ? { type: "unary", at: 0, operator: "-", operand: tree } : tree;
  }
  if (Array.isArray(json))
    return { type: "tuple", at: 0, items: json.map((item) => jsonTree(item, isPlain)) };
  if (!isRecord(json)) return { type: "literal", at: 0, value: typeof json === "boolean" ? json : null };
  const items = Object.entries(json).map(([key, item]) => {
    return { key: jsonTree(key, isPlain), value: jsonTree(item, isPlain) };
  });
  return { type: "object", at: 0, items };
}

function attempt(parse: () => Expression, text: string, place: Place, report: Report): Expression | null {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    const where = placeOf({ ...place, text }, error.offset);
    report({ severity: "error", summary: "Invalid expression", detail: error.message, ...where });
    return null;
  }
}
