import type { Expression } from "../syntax/expression.ts";
import { DYNAMIC, isSameType, listOf } from "../values/type.ts";
import {
  ANYTHING,
  childrenOf,
  isKnown,
  isNull,
  markSensitive,
  tuple,
  unknown,
  unmark,
  type Value,
} from "../values/value.ts";
import type { Context } from "./context.ts";
import { EvaluationError } from "./errors.ts";
import { evaluate } from "./evaluate.ts";

/** `list[*].name`. A value that is no list counts as a list of itself, and null as an empty one. */
export function evaluateSplat(of: Expression, each: Expression, context: Context): Value {
  const found = evaluate(of, context);
  const { kind } = found.type;
  const isSequence = kind === "list" || kind === "set" || kind === "tuple";
  if (isNull(found)) {
    if (isSequence) throw new EvaluationError("A splat can't go through a list that is null.");
    return markSensitive(tuple([]), found.sensitive);
  }
  // Something unknown may turn out to be null, so not even the length of the result is known.
  if (kind === "dynamic" || (!isSequence && !isKnown(found))) return markSensitive(ANYTHING, found.sensitive);
  const source = isSequence ? unmark(found) : tuple([unmark(found)]);
  const at = (item: Value) => evaluate(each, { ...context, item });
  if (!isKnown(source)) return markSensitive(unknownSplat(source, at), found.sensitive);
  const items = childrenOf(source);
  context.budget.spend({ steps: items.length, size: items.length });
  const results = items.map(at);
  return markSensitive(
    source.type.kind === "tuple" ? tuple(results) : listOfSame(source, results, at),
    found.sensitive,
  );
}

function unknownSplat({ type }: Value, at: (item: Value) => Value): Value {
  return "element" in type ? unknown(listOf(at(unknown(type.element)).type)) : unknown(DYNAMIC);
}

function listOfSame({ type }: Value, results: Value[], at: (item: Value) => Value): Value {
  const first = results[0]?.type ?? ("element" in type ? at(unknown(type.element)).type : DYNAMIC);
  if (!results.every((result) => isSameType(result.type, first))) {
    throw new EvaluationError("The results of a splat must have one type. Use a for-expression.");
  }
  return { type: listOf(first), data: results };
}
