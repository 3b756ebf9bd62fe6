import { Cursor } from "./cursor.ts";
import type { BinaryOperator, Expression } from "./expression.ts";
import { parseTemplateText } from "./parse-template.ts";
import { parseTerm } from "./parse-term.ts";

/** Parses one expression, as after `name =` in a file. */
export function parseExpression(text: string): Expression {
  const cursor = new Cursor(text, true);
  const expression = readExpression(cursor);
  cursor.newlinesMatter = false;
  cursor.skip();
  if (cursor.at < text.length) cursor.fail("Extra characters after the expression.");
  return expression;
}

/** Parses a text with interpolations, as `templatefile` and the JSON syntax have it. */
export function parseTemplate(text: string): Expression {
  return parseTemplateText(new Cursor(text, false));
}

export function readExpression(cursor: Cursor): Expression {
  return cursor.nested(cursor.newlinesMatter, () => {
    const condition = readBinary(cursor, 0);
    if (!cursor.take("?")) return condition;
    const yes = readExpression(cursor);
    cursor.expect(":", "between the two results of a condition");
    const no = readExpression(cursor);
    return { type: "conditional", at: condition.at, condition, yes, no };
  });
}

/** From the weakest to the strongest. Longer operators come before those they begin with. */
const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ["||"],
  ["&&"],
  ["==", "!="],
  [">=", ">", "<=", "<"],
  ["+", "-"],
  ["*", "/", "%"],
];

function readBinary(cursor: Cursor, level: number): Expression {
  const operators = LEVELS[level];
  if (operators === undefined) return readOperand(cursor);
  let left = readBinary(cursor, level + 1);
  let length = 0;
  for (;;) {
    const operator = operators.find((candidate) => cursor.sees(candidate));
    if (operator === undefined) return left;
    // A chain leans to the left: its tree is as deep as it is long.
    if ((length += 1) > 300) cursor.fail("More than 300 operators follow one another.");
    cursor.at += operator.length;
    const right = readBinary(cursor, level + 1);
    left = { type: "binary", at: left.at, operator, left, right };
  }
}

function readOperand(cursor: Cursor): Expression {
  cursor.skip();
  const at = cursor.at;
  const operator = cursor.take("-")
    ? "-"
    : cursor.text.startsWith("!=", at)
      ? null
      : cursor.take("!")
        ? "!"
        : null;
  if (operator === null) return readTraversals(cursor, parseTerm(cursor));
  return cursor.nested(cursor.newlinesMatter, () => ({
    type: "unary",
    at,
    operator,
    operand: readOperand(cursor),
  }));
}

const DIGITS = /\d+/y;

/** `.name`, `[key]`, `.0`, `[*]` and `.*` behind a term. */
function readTraversals(cursor: Cursor, term: Expression): Expression {
  let result = term;
  let length = 0;
  for (;;) {
    cursor.skip();
    const at = cursor.at;
    if ((length += 1) > 300) cursor.fail("More than 300 steps follow one another.");
    if (cursor.text.startsWith("...", at)) return result;
    if (cursor.take(".")) {
      if (cursor.take("*")) return readTraversals(cursor, readAttributeSplat(cursor, result));
      result = readDotStep(cursor, result);
    } else if (cursor.take("[")) {
      const isSplat = /\*\s*\]/y;
      isSplat.lastIndex = cursor.at;
      if (isSplat.test(cursor.text)) {
        cursor.at = isSplat.lastIndex;
        const of = result;
        return cursor.nested(cursor.newlinesMatter, () => {
          return { type: "splat", at: of.at, of, each: readTraversals(cursor, { type: "item", at }) };
        });
      }
      const key = cursor.nested(false, () => {
        const expression = readExpression(cursor);
        cursor.expect("]", "after an index");
        return expression;
      });
      result = { type: "index", at: result.at, of: result, key };
    } else return result;
  }
}

function readDotStep(cursor: Cursor, of: Expression): Expression {
  const { at } = of;
  cursor.skip();
  const digits = cursor.match(DIGITS)?.[0];
  if (digits === undefined) {
    const name = cursor.identifier() ?? cursor.fail("Expected the name of an attribute after the dot.");
    return { type: "attribute", at, of, name };
  }
  if (/\.\d/y.test(cursor.text.slice(cursor.at, cursor.at + 2))) {
    cursor.fail("Two indexes with dots can't follow one another. Write [0][1].");
  }
  return { type: "index", at, of, key: { type: "number", at, digits } };
}

/** `list.*.name`: the steps with dots that follow belong to each element, an index in brackets to the result. */
function readAttributeSplat(cursor: Cursor, of: Expression): Expression {
  const { at } = of;
  let each: Expression = { type: "item", at };
  while (cursor.sees(".") && !cursor.sees("...")) {
    cursor.at += 1;
    each = readDotStep(cursor, each);
  }
  return { type: "splat", at, of, each };
}
