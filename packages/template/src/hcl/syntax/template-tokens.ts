import type { Cursor } from "./cursor.ts";
import type { Expression } from "./expression.ts";
import { readExpression } from "./parse-expression.ts";
import { type ForHead, readForHead } from "./parse-for-head.ts";

export type TextToken = { type: "text"; at: number; value: string };

/** A template before its directives are paired. */
export type TemplateToken =
  | TextToken
  | { type: "interpolation"; at: number; expression: Expression }
  | { type: "if"; at: number; condition: Expression }
  | ({ type: "for"; at: number } & ForHead)
  | { type: "else" | "endif" | "endfor"; at: number };

/** What stands between `%{` and `}`. */
export function readDirective(cursor: Cursor, at: number): TemplateToken {
  const keyword = cursor.identifier();
  switch (keyword) {
    case "if":
      return { type: "if", at, condition: readExpression(cursor) };
    case "for":
      return { type: "for", at, ...readForHead(cursor, "for directive") };
    case "else":
    case "endif":
    case "endfor":
      return { type: keyword, at };
    default:
      return cursor.fail("A template directive begins with if, else, endif, for or endfor.");
  }
}
