import type { Cursor } from "./cursor.ts";
import type { Expression } from "./expression.ts";
import { readExpression } from "./parse-expression.ts";

export type TextToken = { type: "text"; at: number; value: string };

/** A template before its directives are paired. */
export type TemplateToken =
  | TextToken
  | { type: "interpolation"; at: number; expression: Expression }
  | { type: "if"; at: number; condition: Expression }
  | { type: "for"; at: number; keyName: string | null; valueName: string; collection: Expression }
  | { type: "else" | "endif" | "endfor"; at: number };

/** What stands between `%{` and `}`. */
export function readDirective(cursor: Cursor, at: number): TemplateToken {
  const keyword = cursor.identifier();
  switch (keyword) {
    case "if":
      return { type: "if", at, condition: readExpression(cursor) };
    case "for": {
      const first = cursor.identifier() ?? cursor.fail("Expected the name of a variable after for.");
      const second = cursor.take(",")
        ? (cursor.identifier() ?? cursor.fail("Expected a second name."))
        : null;
      if (cursor.identifier() !== "in") cursor.fail("Expected in after the names of a for directive.");
      const collection = readExpression(cursor);
      return {
        type: "for",
        at,
        keyName: second === null ? null : first,
        valueName: second ?? first,
        collection,
      };
    }
    case "else":
    case "endif":
    case "endfor":
      return { type: keyword, at };
    default:
      return cursor.fail("A template directive begins with if, else, endif, for or endfor.");
  }
}
