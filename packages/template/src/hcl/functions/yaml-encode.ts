import { EvaluationError } from "../evaluate/errors.ts";
import { numberText } from "../values/format-number.ts";
import { childrenOf, string, UNKNOWN, type Value } from "../values/value.ts";

/** YAML as Terraform writes it: every string in quotes, or as a block when it has several lines. */
export function yamlText(value: Value): string {
  if (value.data instanceof Map && value.data.size > 0) return mapping(value.data, 0);
  if (Array.isArray(value.data) && value.data.length > 0) return sequence(value, 0);
  const text = scalar(value, 0).replace(/\n$/, "");
  // A document that is a plain word has an end of its own.
  const isPlain = value.data === null || typeof value.data === "boolean" || value.type.kind === "number";
  return `${text}\n${isPlain ? "...\n" : ""}`;
}

function mapping(entries: ReadonlyMap<string, Value>, indent: number): string {
  return [...entries]
    .map(([key, item]) => {
      const name =
        key.includes("\n") || key.length > 128
          ? `? ${scalar(string(key), indent + 2).replace(/\n$/, "")}\n${" ".repeat(indent)}:`
          : `${doubleQuoted(key)}:`;
      return `${" ".repeat(indent)}${name}${child(item, indent)}`;
    })
    .join("");
}

/** A value behind its key. Lists in mappings are not indented. */
function child(item: Value, indent: number): string {
  if (item.data instanceof Map && item.data.size > 0) return `\n${mapping(item.data, indent + 2)}`;
  if (Array.isArray(item.data) && item.data.length > 0) return `\n${sequence(item, indent)}`;
  return ` ${scalar(item, indent + 2).replace(/\n$/, "")}\n`;
}

function sequence(value: Value, indent: number): string {
  return childrenOf(value)
    .map((item) => {
      const isNested =
        item.data instanceof Map ? item.data.size > 0 : Array.isArray(item.data) && item.data.length > 0;
      if (!isNested) return `${" ".repeat(indent)}- ${scalar(item, indent + 2).replace(/\n$/, "")}\n`;
      const inner = item.data instanceof Map ? mapping(item.data, indent + 2) : sequence(item, indent + 2);
      return `${" ".repeat(indent)}- ${inner.trimStart()}`;
    })
    .join("");
}

function scalar({ data }: Value, indent: number): string {
  if (data === UNKNOWN) throw new EvaluationError("What is unknown can't be written as YAML.");
  if (data === null) return "null";
  if (typeof data === "boolean") return String(data);
  if (typeof data === "string") return isBlock(data) ? block(data, indent) : doubleQuoted(data);
  if (data instanceof Map) return "{}";
  return "mantissa" in data ? numberText(data) : "[]";
}

/** What a block can't hold: control characters, lines that end with blanks. */
function isBlock(text: string): boolean {
  return text.includes("\n") && !/ \n| $|[\x00-\x08\x0B-\x1F\x7F\uFEFF]/.test(text);
}

function block(text: string, indent: number): string {
  const chomping = !text.endsWith("\n") ? "-" : text.endsWith("\n\n") || text === "\n" ? "+" : "";
  const hint = /^[ \n]/.test(text) ? "2" : "";
  const lines = text.replace(/\n$/, "").split("\n");
  const pad = " ".repeat(Math.max(2, indent));
  return `|${hint}${chomping}\n${lines.map((line) => (line === "" ? "" : pad + line)).join("\n")}\n`;
}

const ESCAPES: Record<string, string> = {
  "\0": "\\0",
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "\x1B": "\\e",
  '"': '\\"',
  "\\": "\\\\",
  "\x85": "\\N",
  "\xA0": "\\_",
  "\u2028": "\\L",
  "\u2029": "\\P",
};

function doubleQuoted(text: string): string {
  const escaped = text.replace(/["\\\x00-\x1F\x7F-\xA0\u2028\u2029\uFEFF\uFFFE\uFFFF]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return ESCAPES[char] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
  });
  return `"${escaped}"`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).toUpperCase().padStart(digits, "0");
}
