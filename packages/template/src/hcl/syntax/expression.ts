/**
 * The syntax tree of one expression: plain data, so that it can be stored with a template version. `at` is the
 * offset in the text that was parsed.
 */
export type Expression = { at: number } & (
  | { type: "literal"; value: string | boolean | null }
  // The digits as written: they become a number of 512 bits when evaluated.
  | { type: "number"; digits: string }
  | { type: "template"; parts: Expression[] }
  // `%{ for … }` in a template: the texts of a for-expression, one after another.
  | { type: "join"; of: Expression }
  | { type: "name"; name: string }
  | { type: "attribute"; of: Expression; name: string }
  | { type: "index"; of: Expression; key: Expression }
  | { type: "splat"; of: Expression; each: Expression }
  // What `each` of a splat is about: one element of the list.
  | { type: "item" }
  | { type: "call"; name: string; args: Expression[]; expandsLast: boolean }
  | { type: "conditional"; condition: Expression; yes: Expression; no: Expression }
  | { type: "unary"; operator: "-" | "!"; operand: Expression }
  | { type: "binary"; operator: BinaryOperator; left: Expression; right: Expression }
  | { type: "tuple"; items: Expression[] }
  | { type: "object"; items: ObjectItem[] }
  | ForExpression
);

export type ObjectItem = { key: Expression; value: Expression };

export type ForExpression = {
  type: "for";
  keyName: string | null;
  valueName: string;
  collection: Expression;
  /** Null for a list. */
  key: Expression | null;
  value: Expression;
  condition: Expression | null;
  isGrouped: boolean;
};

export type BinaryOperator =
  | "||"
  | "&&"
  | "=="
  | "!="
  | ">"
  | ">="
  | "<"
  | "<="
  | "+"
  | "-"
  | "*"
  | "/"
  | "%";
