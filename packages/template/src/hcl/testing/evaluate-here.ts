import { createBudget } from "../evaluate/budget.ts";
import { EvaluationError } from "../evaluate/errors.ts";
import { evaluate } from "../evaluate/evaluate.ts";
import { jsonText } from "../functions/json.ts";
import { parseExpression } from "../syntax/parse-expression.ts";
import { isWhollyKnown, type Value } from "../values/value.ts";

/** The value of an expression that refers to nothing. */
export function evaluateHere(expression: string, files: Readonly<Record<string, string>> = {}): Value {
  const scope = {
    resolve(steps: readonly (string | number)[]): never {
      throw new EvaluationError(`There is nothing with the name ${steps.join(".")}.`);
    },
  };
  return evaluate(parseExpression(`(${expression}\n)`), {
    scope,
    budget: createBudget(),
    files: {
      directory: "",
      list: () => Object.keys(files),
      read: (path) => (Object.hasOwn(files, path) ? Buffer.from(files[path] ?? "") : null),
    },
    locals: null,
    item: null,
    templateDepth: 0,
  });
}

/** Its JSON as Terraform writes it; null when it can't be evaluated, "unknown" when it is not wholly known. */
export function jsonHere(expression: string, files?: Readonly<Record<string, string>>): string | null {
  try {
    const value = evaluateHere(expression, files);
    return isWhollyKnown(value) ? jsonText(value) : "unknown";
  } catch (error) {
    if (error instanceof EvaluationError) return null;
    throw error;
  }
}
