import type { BinaryOperator, Expression } from "../syntax/expression.ts";
import { convert } from "../values/convert.ts";
import { add, compare, divide, multiply, type Num, negate, remainder, subtract } from "../values/decimal.ts";
import { equals } from "../values/equal.ts";
import { BOOL, NUMBER, type Type } from "../values/type.ts";
import {
  bool,
  hasSensitive,
  isKnown,
  isNull,
  markSensitive,
  number,
  unknown,
  unmark,
  unmarkDeep,
  type Value,
} from "../values/value.ts";
import type { Context } from "./context.ts";
import { EvaluationError } from "./errors.ts";
import { evaluate } from "./evaluate.ts";

export function evaluateUnary(operator: "-" | "!", operand: Value): Value {
  const type = operator === "-" ? NUMBER : BOOL;
  const value = operandOf(operand, type);
  if (!isKnown(value)) return markSensitive(unknown(type), operand.sensitive);
  const result = operator === "-" ? number(negate(asNumber(value))) : bool(value.data !== true);
  return markSensitive(result, operand.sensitive);
}

export function evaluateBinary(
  { operator, left, right }: Extract<Expression, { type: "binary" }>,
  context: Context,
): Value {
  if (operator === "&&" || operator === "||") return evaluateLogic(operator, left, right, context);
  const [a, b] = [evaluate(left, context), evaluate(right, context)];
  if (operator === "==" || operator === "!=") {
    const isSensitive = hasSensitive(a) || hasSensitive(b);
    const result = equals(unmarkDeep(a), unmarkDeep(b));
    const settled = operator === "==" || !isKnown(result) ? result : bool(result.data !== true);
    return markSensitive(settled, isSensitive);
  }
  const isSensitive = a.sensitive === true || b.sensitive === true;
  const [x, y] = [operandOf(a, NUMBER), operandOf(b, NUMBER)];
  const isOrder = operator === "<" || operator === "<=" || operator === ">" || operator === ">=";
  if (!isKnown(x) || !isKnown(y)) return markSensitive(unknown(isOrder ? BOOL : NUMBER), isSensitive);
  return markSensitive(calculate(operator, asNumber(x), asNumber(y)), isSensitive);
}

/** One operand may settle it: `false && unknown` is false. Both are evaluated, and their errors count, all the same. */
function evaluateLogic(operator: "&&" | "||", left: Expression, right: Expression, context: Context): Value {
  const decisive = operator === "||";
  const first = evaluate(left, context);
  const second = evaluate(right, context);
  const a = operandOf(first, BOOL);
  const other = operandOf(second, BOOL);
  const isSensitive = first.sensitive === true || second.sensitive === true;
  if (a.data === decisive || other.data === decisive) return markSensitive(bool(decisive), isSensitive);
  if (!isKnown(a) || !isKnown(other)) return markSensitive(unknown(BOOL), isSensitive);
  return markSensitive(bool(!decisive), isSensitive);
}

function operandOf(value: Value, type: Type): Value {
  if (isNull(value)) throw new EvaluationError("An operand is null. Operators need values.");
  return convert(unmark(value), type);
}

function asNumber({ data }: Value): Num {
  if (typeof data === "object" && data !== null && "mantissa" in data) return data;
  throw new EvaluationError("A number is needed here.");
}

function refuseZero(): never {
  throw new EvaluationError("Zero can't be divided by zero.");
}

function calculate(operator: BinaryOperator, a: Num, b: Num): Value {
  switch (operator) {
    case "+":
      return number(add(a, b));
    case "-":
      return number(subtract(a, b));
    case "*":
      return number(multiply(a, b));
    case "/":
      // Terraform's infinity, with which nobody computes. To know nothing of it is no mistake.
      if (b.mantissa === 0n) return a.mantissa === 0n ? refuseZero() : unknown(NUMBER);
      return number(divide(a, b));
    case "%":
      // Terraform divides by zero here, and nothing remains of it but the number itself.
      return number(b.mantissa === 0n ? a : remainder(a, b));
    case "<":
      return bool(compare(a, b) < 0);
    case "<=":
      return bool(compare(a, b) <= 0);
    case ">":
      return bool(compare(a, b) > 0);
    case ">=":
      return bool(compare(a, b) >= 0);
    default:
      throw new EvaluationError(`The operator ${operator} needs bools.`);
  }
}
