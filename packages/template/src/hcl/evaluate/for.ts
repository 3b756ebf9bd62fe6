import type { Expression, ForExpression } from "../syntax/expression.ts";
import { convert } from "../values/convert.ts";
import { BOOL, STRING, typeName } from "../values/type.ts";
import {
  ANYTHING,
  integer,
  isKnown,
  isNull,
  markSensitive,
  object,
  string,
  tuple,
  unmark,
  type Value,
} from "../values/value.ts";
import type { Context } from "./context.ts";
import { EvaluationError } from "./errors.ts";
import { evaluate } from "./evaluate.ts";

/** `[for …]` and `{for …}`: a tuple or an object, of types as they come. */
export function evaluateFor(expression: ForExpression, context: Context): Value {
  const collection = evaluate(expression.collection, context);
  if (isNull(collection)) throw new EvaluationError("A for-expression can't go through null.");
  if (collection.type.kind === "dynamic") return ANYTHING;
  if (!isIterable(collection)) {
    throw new EvaluationError(`A for-expression can't go through a ${typeName(collection.type)}.`);
  }
  if (!isKnown(collection)) return markSensitive(ANYTHING, collection.sensitive);
  const run = { isSensitive: collection.sensitive === true, isUnknown: false };
  // A condition that can't be right is an error even where nothing is gone through.
  if (expression.condition !== null) {
    isIncluded(expression.condition, bind(expression, ANYTHING, ANYTHING, context), { ...run });
  }
  const results: { key: string; value: Value }[] = [];
  for (const [key, value] of elementsOf(collection)) {
    context.budget.spend({ steps: 1, size: 1 });
    const inner = bind(expression, key, value, context);
    if (expression.condition !== null && !isIncluded(expression.condition, inner, run)) continue;
    const name = expression.key === null ? "" : keyOf(expression.key, inner, run);
    if (name === null) continue;
    results.push({ key: name, value: evaluate(expression.value, inner) });
  }
  if (expression.key !== null && !expression.isGrouped) refuseDoubles(results);
  if (run.isUnknown) return markSensitive(ANYTHING, run.isSensitive);
  return markSensitive(collect(expression, results), run.isSensitive);
}

type Run = { isSensitive: boolean; isUnknown: boolean };

export function isIterable({ type }: Value): boolean {
  return type.kind !== "string" && type.kind !== "number" && type.kind !== "bool" && type.kind !== "dynamic";
}

/** Keys and elements of a known collection; those of a set are their own keys. */
export function elementsOf({ type, data }: Value): [Value, Value][] {
  if (data instanceof Map) return [...data].map(([key, item]) => [string(key), item]);
  const items: readonly Value[] = Array.isArray(data) ? data : [];
  return items.map((item, i) => [type.kind === "set" ? item : integer(i), item]);
}

function bind({ keyName, valueName }: ForExpression, key: Value, value: Value, context: Context): Context {
  const outer = keyName === null ? context.locals : { name: keyName, value: key, outer: context.locals };
  return { ...context, locals: { name: valueName, value, outer } };
}

function isIncluded(condition: Expression, context: Context, run: Run): boolean {
  const found = evaluate(condition, context);
  if (isNull(found)) throw new EvaluationError("The condition of a for-expression is null.");
  run.isSensitive ||= found.sensitive === true;
  const include = convert(unmark(found), BOOL);
  if (!isKnown(include)) run.isUnknown = true;
  return include.data === true;
}

function keyOf(expression: Expression, context: Context, run: Run): string | null {
  const found = evaluate(expression, context);
  if (isNull(found)) throw new EvaluationError("The key of an object can't be null.");
  run.isSensitive ||= found.sensitive === true;
  const { data } = convert(unmark(found), STRING);
  if (typeof data === "string") return data;
  run.isUnknown = true;
  return null;
}

function refuseDoubles(results: { key: string }[]): void {
  const seen = new Set<string>();
  for (const { key } of results) {
    if (seen.has(key)) {
      throw new EvaluationError(
        `Two elements have the key ${JSON.stringify(key)}. Write ... after the value to group them.`,
      );
    }
    seen.add(key);
  }
}

function collect(expression: ForExpression, results: { key: string; value: Value }[]): Value {
  if (expression.key === null) return tuple(results.map(({ value }) => value));
  if (!expression.isGrouped) return object(results.map(({ key, value }) => [key, value]));
  const groups = Map.groupBy(results, ({ key }) => key);
  return object([...groups].map(([key, group]) => [key, tuple(group.map(({ value }) => value))]));
}
