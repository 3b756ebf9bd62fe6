import type { Cursor } from "./cursor.ts";
import type { Expression, ObjectItem } from "./expression.ts";
import { readExpression } from "./parse-expression.ts";
import { readForHead } from "./parse-for-head.ts";
import { parseHeredoc, parseQuoted } from "./parse-template.ts";

const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** A literal, a name, a call, or anything that brackets or quotes enclose. */
export function parseTerm(cursor: Cursor): Expression {
  cursor.skip();
  const at = cursor.at;
  const digits = cursor.match(NUMBER)?.[0];
  if (digits !== undefined) return { type: "number", at, digits };
  switch (cursor.text[at]) {
    case "(":
      cursor.at += 1;
      return cursor.nested(false, () => {
        const expression = readExpression(cursor);
        cursor.expect(")", "to close the parenthesis");
        return expression;
      });
    case "[":
      cursor.at += 1;
      return cursor.nested(false, () => readFor(cursor, at, "]") ?? readTuple(cursor, at));
    case "{":
      cursor.at += 1;
      return (
        cursor.nested(false, () => readFor(cursor, at, "}")) ??
        cursor.nested(true, () => readObject(cursor, at))
      );
    case '"':
      return parseQuoted(cursor);
    case "<":
      if (cursor.text.startsWith("<<", at)) return parseHeredoc(cursor);
  }
  return readNameOrCall(cursor, at);
}

function readNameOrCall(cursor: Cursor, at: number): Expression {
  let name = cursor.identifier() ?? cursor.fail("Expected an expression.");
  while (cursor.take("::")) {
    name += `::${cursor.identifier() ?? cursor.fail("Expected the name of a function after ::.")}`;
  }
  if (cursor.take("(")) return cursor.nested(false, () => readCall(cursor, at, name));
  if (name === "true" || name === "false") return { type: "literal", at, value: name === "true" };
  if (name === "null") return { type: "literal", at, value: null };
  if (name.includes("::")) cursor.fail("Expected ( after the name of a function.");
  return { type: "name", at, name };
}

function readCall(cursor: Cursor, at: number, name: string): Expression {
  const args: Expression[] = [];
  let expandsLast = false;
  while (!cursor.take(")")) {
    args.push(readExpression(cursor));
    if (cursor.take("...")) {
      expandsLast = true;
      cursor.take(",");
      cursor.expect(")", "after an expanded argument");
      break;
    }
    if (cursor.take(",")) continue;
    cursor.expect(")", "after the arguments");
    break;
  }
  return { type: "call", at, name, args, expandsLast };
}

function readTuple(cursor: Cursor, at: number): Expression {
  const items: Expression[] = [];
  while (!cursor.take("]")) {
    items.push(readExpression(cursor));
    if (cursor.take(",")) continue;
    cursor.expect("]", "after the elements of a list");
    break;
  }
  return { type: "tuple", at, items };
}

const NEWLINES = /(?:[ \t\r\n]|\/\*[\s\S]*?\*\/|(?:#|\/\/)[^\n]*)+/y;

function readObject(cursor: Cursor, at: number): Expression {
  const items: ObjectItem[] = [];
  for (;;) {
    cursor.match(NEWLINES);
    if (cursor.take("}")) return { type: "object", at, items };
    const isParenthesized = cursor.sees("(");
    const written = readExpression(cursor);
    const key = isParenthesized ? written : asKey(cursor, written);
    if (!cursor.take("=") && !cursor.take(":")) cursor.fail("Expected = after the key of an object.");
    items.push({ key, value: readExpression(cursor) });
    cursor.skip();
    if (cursor.take(",") || /[\r\n]/.test(cursor.text[cursor.at] ?? "")) continue;
    cursor.expect("}", "after the items of an object");
    return { type: "object", at, items };
  }
}

/** A bare word is a key by its own name, even `true`; in parentheses it is what it refers to. */
function asKey(cursor: Cursor, written: Expression): Expression {
  const { at } = written;
  if (written.type === "name") return { type: "literal", at, value: written.name };
  if (written.type === "literal") return { type: "literal", at, value: String(written.value) };
  let root: Expression = written;
  while (root.type === "attribute" || (root.type === "index" && root.key.type === "literal")) root = root.of;
  if (root !== written && root.type === "name") {
    cursor.fail("Put a reference that is the key of an object in parentheses.", at);
  }
  return written;
}

function readFor(cursor: Cursor, at: number, closer: "]" | "}"): Expression | null {
  if (!cursor.seesWord("for")) return null;
  cursor.identifier();
  const forHead = readForHead(cursor, "for-expression");
  cursor.expect(":", "after the collection of a for-expression");
  const head = readExpression(cursor);
  const isMap = closer === "}";
  if (isMap) cursor.expect("=>", "after the key of a for-expression");
  const value = isMap ? readExpression(cursor) : head;
  const isGrouped = isMap && cursor.take("...");
  const hasCondition = cursor.seesWord("if");
  if (hasCondition) cursor.identifier();
  const condition = hasCondition ? readExpression(cursor) : null;
  cursor.expect(closer, "to close the for-expression");
  return {
    type: "for",
    at,
    ...forHead,
    key: isMap ? head : null,
    value,
    condition,
    isGrouped,
  };
}
