import { EvaluationError } from "../evaluate/errors.ts";
import { elementsOf } from "../evaluate/for.ts";
import { convert } from "../values/convert.ts";
import { isInteger, toBigInt } from "../values/decimal.ts";
import { NUMBER } from "../values/type.ts";
import { ANYTHING, integer, isKnown, isNull, object, tuple, type Value } from "../values/value.ts";
import type { ModuleInstance } from "./module-instance.ts";
import type { ParsedBlock } from "./parsed-template.ts";

const MAX_INSTANCES = 1000;

/** What `each`, `count` and the names of dynamic blocks stand for in one instance of a block. */
export type Bindings = {
  each?: { key: Value; value: Value };
  count?: Value;
  iterators?: ReadonlyMap<string, Value>;
};

/** The instances of a block: one, or as many as its `count` or `for_each` says. */
export type Instances =
  | { kind: "single" }
  | { kind: "count"; bindings: Bindings[] }
  | { kind: "each"; bindings: Map<string, Bindings> }
  | { kind: "unknown" };

export function expand(instance: ModuleInstance, block: ParsedBlock): Instances {
  const { count, for_each: forEach } = block.arguments;
  if (count !== undefined) {
    const value = instance.evaluate(count, {});
    if (!isKnown(value)) return { kind: "unknown" };
    const bindings = Array.from({ length: countOf(value) }, (_, i) => ({ count: integer(i) }));
    return { kind: "count", bindings };
  }
  if (forEach === undefined) return { kind: "single" };
  const value = instance.evaluate(forEach, {});
  if (!isKnown(value)) return { kind: "unknown" };
  const { kind } = value.type;
  if (isNull(value) || (kind !== "map" && kind !== "object" && kind !== "set")) {
    throw new EvaluationError("for_each must be a map, an object or a set of strings.");
  }
  const bindings = new Map<string, Bindings>();
  for (const [key, item] of elementsOf(value)) {
    if (!isKnown(key)) return { kind: "unknown" };
    if (typeof key.data !== "string") throw new EvaluationError("A set in for_each must hold strings.");
    bindings.set(key.data, { each: { key, value: item } });
  }
  if (bindings.size > MAX_INSTANCES)
    throw new EvaluationError(`for_each may make ${MAX_INSTANCES} instances at most.`);
  return { kind: "each", bindings };
}

/** The instances as one list; null when it isn't known how many there are. */
export function bindingsOf(instance: ModuleInstance, block: ParsedBlock): Bindings[] | null {
  const instances = expand(instance, block);
  switch (instances.kind) {
    case "single":
      return [{}];
    case "unknown":
      return null;
    default:
      return [...instances.bindings.values()];
  }
}

/** The value of a block that has one in each instance: itself, a tuple or an object, as references see it. */
export function everyInstance(
  instance: ModuleInstance,
  block: ParsedBlock,
  value: (bindings: Bindings) => Value,
): Value {
  const instances = expand(instance, block);
  switch (instances.kind) {
    case "single":
      return value({});
    case "count":
      return tuple(instances.bindings.map(value));
    case "each":
      return object([...instances.bindings].map(([key, bindings]) => [key, value(bindings)]));
    case "unknown":
      return ANYTHING;
  }
}

function countOf(value: Value): number {
  const { data } = convert(value, NUMBER);
  if (typeof data !== "object" || data === null || !("mantissa" in data) || !isInteger(data)) {
    throw new EvaluationError("count must be a whole number.");
  }
  const count = toBigInt(data);
  if (count < 0n || count > BigInt(MAX_INSTANCES))
    throw new EvaluationError(`count must be from 0 to ${MAX_INSTANCES}.`);
  return Number(count);
}
