import type { Cursor } from "./cursor.ts";
import type { Expression } from "./expression.ts";
import { readExpression } from "./parse-expression.ts";

export type ForHead = { keyName: string | null; valueName: string; collection: Expression };

/** What follows `for`, in expressions and in directives of templates: `value in list` or `key, value in map`. */
export function readForHead(cursor: Cursor, what: "for-expression" | "for directive"): ForHead {
  const first = cursor.identifier() ?? cursor.fail("Expected the name of a variable after for.");
  const second = cursor.take(",") ? (cursor.identifier() ?? cursor.fail("Expected a second name.")) : null;
  if (cursor.identifier() !== "in") cursor.fail(`Expected in after the names of a ${what}.`);
  const collection = readExpression(cursor);
  return { keyName: second === null ? null : first, valueName: second ?? first, collection };
}
