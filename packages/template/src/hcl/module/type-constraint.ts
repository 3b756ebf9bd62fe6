import { EvaluationError } from "../evaluate/errors.ts";
import type { Expression } from "../syntax/expression.ts";
import { convert } from "../values/convert.ts";
import { BOOL, DYNAMIC, listOf, mapOf, NUMBER, STRING, setOf, type Type, tupleOf } from "../values/type.ts";
import { compareText, isNull, object, tuple, type Value } from "../values/value.ts";

/** A variable's `type`: the type itself, and the defaults that `optional(type, default)` gives in it. */
export type Constraint = {
  type: Type;
  element?: Constraint;
  elements?: Constraint[];
  attributes?: Map<string, { constraint: Constraint; fallback: Value | null }>;
};

const SIMPLE: Record<string, Type> = { string: STRING, number: NUMBER, bool: BOOL, any: DYNAMIC };

/** Reads the expression of a type; `constant` evaluates the default of an attribute. */
export function readConstraint(tree: Expression, constant: (tree: Expression) => Value): Constraint {
  // Terraform 0.11 quoted the type; both forms mean the same.
  const name = tree.type === "name" ? tree.name : tree.type === "literal" ? String(tree.value) : null;
  if (name !== null) {
    const simple =
      SIMPLE[name] ?? (name === "list" ? listOf(DYNAMIC) : name === "map" ? mapOf(DYNAMIC) : undefined);
    return simple === undefined ? refuse(name) : { type: simple };
  }
  if (tree.type !== "call" || tree.args.length !== 1) return refuse("this");
  const [inner] = tree.args;
  if (inner === undefined) return refuse(tree.name);
  switch (tree.name) {
    case "list":
    case "set":
    case "map": {
      const element = readConstraint(inner, constant);
      const make = { list: listOf, set: setOf, map: mapOf }[tree.name];
      return { type: make(element.type), element };
    }
    case "tuple": {
      if (inner.type !== "tuple") return refuse("tuple");
      const elements = inner.items.map((item) => readConstraint(item, constant));
      return { type: tupleOf(elements.map(({ type }) => type)), elements };
    }
    case "object":
      return inner.type === "object" ? readObject(inner.items, constant) : refuse("object");
    default:
      return refuse(tree.name);
  }
}

function readObject(
  items: { key: Expression; value: Expression }[],
  constant: (tree: Expression) => Value,
): Constraint {
  const attributes: NonNullable<Constraint["attributes"]> = new Map();
  const optional = new Set<string>();
  for (const { key, value } of items) {
    const name = key.type === "literal" ? String(key.value) : refuse("object");
    const [inner, fallback] = value.type === "call" && value.name === "optional" ? value.args : [value];
    if (value.type === "call" && value.name === "optional") optional.add(name);
    if (inner === undefined) return refuse("optional");
    const constraint = readConstraint(inner, constant);
    const given = fallback === undefined ? null : convert(constant(fallback), constraint.type);
    attributes.set(name, { constraint, fallback: given });
  }
  const sorted = [...attributes].sort(([a], [b]) => compareText(a, b));
  const types = new Map(sorted.map(([name, { constraint }]) => [name, constraint.type]));
  return {
    type: { kind: "object", attributes: types, ...(optional.size > 0 ? { optional } : {}) },
    attributes,
  };
}

function refuse(name: string): never {
  throw new EvaluationError(`${name} is no type that a variable can have.`);
}

/** The value with its type, and with the defaults of attributes that it leaves out. */
export function applyConstraint(value: Value, constraint: Constraint): Value {
  return convert(withDefaults(value, constraint), constraint.type);
}

function withDefaults(value: Value, constraint: Constraint): Value {
  const { data } = value;
  const { attributes, element, elements } = constraint;
  if (attributes !== undefined && data instanceof Map) {
    const entries = new Map<string, Value>(data);
    for (const [name, { constraint: inner, fallback }] of attributes) {
      const given = entries.get(name);
      if (given !== undefined && !isNull(given)) entries.set(name, withDefaults(given, inner));
      else if (fallback !== null) entries.set(name, withDefaults(fallback, inner));
    }
    return object(entries);
  }
  if (element !== undefined && hasDefaults(element)) {
    if (data instanceof Map) {
      return object([...data].map(([key, item]) => [key, withDefaults(item, element)] as const));
    }
    if (Array.isArray(data)) return tuple(data.map((item) => withDefaults(item, element)));
  }
  if (elements?.some(hasDefaults) && Array.isArray(data)) {
    return tuple(data.map((item, i) => withDefaults(item, elements[i] ?? { type: DYNAMIC })));
  }
  return value;
}

function hasDefaults({ attributes, element, elements }: Constraint): boolean {
  if (attributes !== undefined) {
    return [...attributes.values()].some(
      ({ constraint, fallback }) => fallback !== null || hasDefaults(constraint),
    );
  }
  return (element !== undefined && hasDefaults(element)) || elements?.some(hasDefaults) === true;
}
