import { buildTemplate } from "./build-template.ts";
import type { Cursor } from "./cursor.ts";
import type { Expression } from "./expression.ts";
import { readExpression } from "./parse-expression.ts";
import { readDirective, type TemplateToken, type TextToken } from "./template-tokens.ts";

/** `"text with ${parts}"`. */
export function parseQuoted(cursor: Cursor): Expression {
  const at = cursor.at;
  cursor.at += 1;
  return buildTemplate(cursor, at, readTokens(cursor, { kind: "quoted" }), { indented: false });
}

const HEREDOC = /<<(-?)([\p{ID_Start}_][\p{ID_Continue}-]*)[ \t]*\r?\n/uy;

/** `<<EOT` and, with the common indentation of its lines taken away, `<<-EOT`. */
export function parseHeredoc(cursor: Cursor): Expression {
  const at = cursor.at;
  const opening = cursor.match(HEREDOC) ?? cursor.fail("Expected a marker and a newline after <<.");
  const tokens = readTokens(cursor, { kind: "heredoc", marker: opening[2] ?? "" });
  return buildTemplate(cursor, at, tokens, { indented: opening[1] === "-" });
}

/** A whole text that is a template by itself. */
export function parseTemplateText(cursor: Cursor): Expression {
  return buildTemplate(cursor, cursor.at, readTokens(cursor, { kind: "bare" }), { indented: false });
}

type Form = { kind: "quoted" } | { kind: "heredoc"; marker: string } | { kind: "bare" };

/**
 * The tokens of a template. Text is cut at the end of each line, because the rules for `~` and for indentation
 * are about such pieces.
 */
function readTokens(cursor: Cursor, form: Form): TemplateToken[] {
  const tokens: TemplateToken[] = [];
  let trimNext = false;
  let atLineStart = true;
  for (;;) {
    if (form.kind === "heredoc" && atLineStart && takeMarker(cursor, form.marker)) return tokens;
    if (cursor.at >= cursor.text.length) {
      if (form.kind === "bare") return tokens;
      cursor.fail(form.kind === "quoted" ? "The string has no closing quote." : "The heredoc has no end.");
    }
    if (form.kind === "quoted" && cursor.text[cursor.at] === '"') {
      cursor.at += 1;
      return tokens;
    }
    const opener = /[$%]\{~?/y;
    const found = cursor.match(opener)?.[0];
    if (found !== undefined) {
      const last = tokens.at(-1);
      if (found.endsWith("~") && last?.type === "text") last.value = last.value.trimEnd();
      const at = cursor.at - found.length;
      const token = cursor.nested(false, () => {
        if (found.startsWith("%")) return readDirective(cursor, at);
        return { type: "interpolation" as const, at, expression: readExpression(cursor) };
      });
      tokens.push(token);
      cursor.nested(false, () => cursor.skip());
      trimNext = cursor.text.startsWith("~}", cursor.at);
      if (!trimNext && cursor.text[cursor.at] !== "}") cursor.fail("Expected } to close the interpolation.");
      cursor.at += trimNext ? 2 : 1;
      atLineStart = false;
      continue;
    }
    const text = readText(cursor, form.kind === "quoted");
    if (trimNext) text.value = text.value.trimStart();
    trimNext = false;
    atLineStart = text.endsLine;
    tokens.push(text);
  }
}

function takeMarker(cursor: Cursor, marker: string): boolean {
  const end = cursor.text.indexOf("\n", cursor.at);
  const line = cursor.text.slice(cursor.at, end === -1 ? undefined : end);
  if (line.trim() !== marker) return false;
  // The newline stays: it ends the argument that the heredoc is the value of.
  cursor.at += line.trimEnd().length;
  return true;
}

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt"\\]))/y;
const SIMPLE: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };

/** Text up to the next interpolation, the closing quote, or the end of the line with its newline. */
function readText(cursor: Cursor, isQuoted: boolean): TextToken & { endsLine: boolean } {
  const at = cursor.at;
  let value = "";
  while (cursor.at < cursor.text.length) {
    const { text } = cursor;
    const char = text[cursor.at] ?? "";
    if (text.startsWith("$${", cursor.at) || text.startsWith("%%{", cursor.at)) {
      value += `${char}{`;
      cursor.at += 3;
    } else if (text.startsWith("${", cursor.at) || text.startsWith("%{", cursor.at)) break;
    else if (isQuoted && char === "\\") {
      const escaped = cursor.match(ESCAPE) ?? cursor.fail("This escape sequence is not known.");
      const code = escaped[1] ?? escaped[2];
      value += code === undefined ? SIMPLE[escaped[3] ?? ""] : codePoint(cursor, Number.parseInt(code, 16));
    } else if (isQuoted && char === '"') break;
    else if (char === "\n") {
      if (isQuoted) cursor.fail("A quoted string must end on the line where it began.");
      cursor.at += 1;
      return { type: "text", at, value: `${value}\n`, endsLine: true };
    } else {
      value += char;
      cursor.at += 1;
    }
  }
  return { type: "text", at, value, endsLine: false };
}

function codePoint(cursor: Cursor, code: number): string {
  const isCharacter = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : cursor.fail("There is no character with this number.");
}
