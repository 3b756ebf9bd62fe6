import type { Cursor } from "./cursor.ts";
import type { Expression } from "./expression.ts";
import type { TemplateToken, TextToken } from "./template-tokens.ts";

/** Pairs the directives of a template. A lone interpolation is its expression: `"${list}"` is the list. */
export function buildTemplate(
  cursor: Cursor,
  at: number,
  tokens: TemplateToken[],
  { indented }: { indented: boolean },
): Expression {
  if (indented) removeIndentation(tokens);
  const joined = joinTexts(tokens);
  const [only] = joined;
  if (joined.length === 1 && only?.type === "interpolation") return only.expression;
  const queue = joined.values();
  const { parts, end } = readParts(cursor, queue, []);
  if (end !== undefined) cursor.fail(`There is no directive that this ${end.type} belongs to.`, end.at);
  if (parts.every((part) => part.type === "literal" && typeof part.value === "string")) {
    return {
      type: "literal",
      at,
      value: parts.map((part) => (part.type === "literal" ? part.value : "")).join(""),
    };
  }
  return { type: "template", at, parts };
}

type Queue = IterableIterator<TemplateToken>;
type Ending = Extract<TemplateToken, { type: "else" | "endif" | "endfor" }>;

function readParts(
  cursor: Cursor,
  queue: Queue,
  endings: Ending["type"][],
): { parts: Expression[]; end: Ending | undefined } {
  const parts: Expression[] = [];
  for (let next = queue.next(); !next.done; next = queue.next()) {
    const token = next.value;
    switch (token.type) {
      case "text":
        parts.push({ type: "literal", at: token.at, value: token.value });
        break;
      case "interpolation":
        parts.push(token.expression);
        break;
      case "if":
        parts.push(readIf(cursor, queue, token));
        break;
      case "for": {
        const { parts: body } = cursor.nested(false, () => readParts(cursor, queue, ["endfor"]));
        const value: Expression = { type: "template", at: token.at, parts: body };
        const { at, keyName, valueName, collection } = token;
        parts.push({
          type: "join",
          at,
          of: {
            type: "for",
            at,
            keyName,
            valueName,
            collection,
            key: null,
            value,
            condition: null,
            isGrouped: false,
          },
        });
        break;
      }
      default:
        if (endings.length > 0 && !endings.includes(token.type)) {
          cursor.fail(`Expected ${endings.join(" or ")} before this ${token.type}.`, token.at);
        }
        return { parts, end: token };
    }
  }
  if (endings.length > 0) cursor.fail(`The template ends without ${endings.at(-1)}.`);
  return { parts, end: undefined };
}

function readIf(cursor: Cursor, queue: Queue, token: Extract<TemplateToken, { type: "if" }>): Expression {
  return cursor.nested(false, () => {
    const { at, condition } = token;
    const yes = readParts(cursor, queue, ["else", "endif"]);
    const no = yes.end?.type === "else" ? readParts(cursor, queue, ["endif"]).parts : [];
    return {
      type: "conditional",
      at,
      condition,
      yes: { type: "template", at, parts: yes.parts },
      no: { type: "template", at, parts: no },
    };
  });
}

/** Takes from each line the indentation that the least indented one has. Values of interpolations don't count. */
function removeIndentation(tokens: TemplateToken[]): void {
  let least = Number.POSITIVE_INFINITY;
  const lineStarts: TextToken[] = [];
  let startsLine = true;
  for (const token of tokens) {
    if (startsLine) {
      startsLine = false;
      if (token.type !== "text") least = 0;
      else {
        const indentation = token.value.length - token.value.trimStart().length;
        const isBlank = indentation === token.value.length && token.value.endsWith("\n");
        if (!isBlank) {
          least = Math.min(least, indentation);
          lineStarts.push(token);
        }
      }
    }
    if (token.type === "text" && token.value.endsWith("\n")) startsLine = true;
  }
  for (const token of lineStarts) token.value = token.value.slice(least);
}

function joinTexts(tokens: TemplateToken[]): TemplateToken[] {
  const joined: TemplateToken[] = [];
  for (const token of tokens) {
    const last = joined.at(-1);
    if (token.type === "text" && last?.type === "text") last.value += token.value;
    else joined.push(token);
  }
  return joined;
}
