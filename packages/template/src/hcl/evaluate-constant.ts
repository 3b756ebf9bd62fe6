import { createBudget } from "./evaluate/budget.ts";
import type { Scope } from "./evaluate/context.ts";
import { EvaluationError, LimitError } from "./evaluate/errors.ts";
import { evaluate } from "./evaluate/evaluate.ts";
import { SyntaxProblem } from "./syntax/cursor.ts";
import type { Expression } from "./syntax/expression.ts";
import { parseExpression } from "./syntax/parse-expression.ts";
import { toFloat } from "./values/decimal.ts";
import { childrenOf, isWhollyKnown, UNKNOWN, type Value } from "./values/value.ts";

/** A value as JSON has it. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

/** The value of an expression that refers to nothing; `refusal` says so where one does. */
export function evaluateConstant(source: string | Expression, refusal: (reference: string) => string): Plain {
  const scope: Scope = {
    resolve(steps) {
      throw new EvaluationError(refusal(steps.join(".")));
    },
  };
  try {
    const tree = typeof source === "string" ? parseExpression(source) : source;
    const context = {
      scope,
      budget: createBudget(),
      files: null,
      locals: null,
      item: null,
      templateDepth: 0,
    };
    const value = evaluate(tree, context);
    if (!isWhollyKnown(value)) throw new EvaluationError("The value is known only in a build.");
    return toPlain(value);
  } catch (error) {
    if (error instanceof SyntaxProblem || error instanceof LimitError) {
      throw new EvaluationError(error.message, { cause: error });
    }
    throw error;
  }
}

/** A known value as JSON has it; numbers become those of JavaScript. */
export function toPlain(value: Value): Plain {
  const { data } = value;
  if (data === UNKNOWN) throw new EvaluationError("The value is not known.");
  if (data === null || typeof data === "string" || typeof data === "boolean") return data;
  if (data instanceof Map) return Object.fromEntries([...data].map(([key, item]) => [key, toPlain(item)]));
  if ("mantissa" in data) return toFloat(data);
  return childrenOf(value).map(toPlain);
}
