import { convert } from "../values/convert.ts";
import { compare, fromInteger, isInteger, toBigInt } from "../values/decimal.ts";
import { NUMBER, STRING, type Type, typeName } from "../values/type.ts";
import { ANYTHING, isNull, markSensitive, UNKNOWN, unknown, unmark, type Value } from "../values/value.ts";
import { EvaluationError } from "./errors.ts";

/** `value.name`. */
export function getAttribute(of: Value, name: string): Value {
  return markSensitive(attributeOf(of, name), of.sensitive);
}

function attributeOf({ type, data }: Value, name: string): Value {
  const quoted = JSON.stringify(name);
  if (data === null) throw new EvaluationError(`This value is null, so it has no attribute ${quoted}.`);
  if (type.kind === "dynamic") return ANYTHING;
  if (type.kind === "object") {
    const attribute = type.attributes.get(name);
    if (attribute === undefined) throw new EvaluationError(`This object has no attribute ${quoted}.`);
    return (data instanceof Map ? data.get(name) : undefined) ?? unknown(attribute);
  }
  if (type.kind === "map") {
    if (data === UNKNOWN) return unknown(type.element);
    const item: Value | undefined = data instanceof Map ? data.get(name) : undefined;
    if (item === undefined) throw new EvaluationError(`This map has no element with the key ${quoted}.`);
    return item;
  }
  const hint =
    type.kind === "list" || type.kind === "set" || type.kind === "tuple"
      ? " Use [*] for those of all its elements."
      : "";
  throw new EvaluationError(`A ${typeName(type)} has no attribute ${quoted}.${hint}`);
}

/** `value[key]`. */
export function getIndex(of: Value, key: Value): Value {
  return markSensitive(elementAt(of, unmark(key)), of.sensitive === true || key.sensitive === true);
}

function elementAt({ type, data }: Value, key: Value): Value {
  if (data === null) throw new EvaluationError("This value is null, so it has no elements.");
  if (isNull(key)) throw new EvaluationError("Null can't be an index.");
  if (type.kind === "dynamic" || key.type.kind === "dynamic") return ANYTHING;
  switch (type.kind) {
    case "list":
    case "tuple":
      return sequenceElement(type, data, convert(key, NUMBER));
    case "map":
    case "object": {
      const name = convert(key, STRING).data;
      if (typeof name !== "string") return type.kind === "map" ? unknown(type.element) : ANYTHING;
      return attributeOf({ type, data }, name);
    }
    case "set":
      throw new EvaluationError("The elements of a set have no index. Use tolist, or a for-expression.");
    default:
      throw new EvaluationError(`A ${typeName(type)} has no elements.`);
  }
}

function sequenceElement(
  type: Extract<Type, { kind: "list" | "tuple" }>,
  data: Value["data"],
  key: Value,
): Value {
  const index = key.data;
  if (typeof index !== "object" || index === null || !("mantissa" in index)) {
    return type.kind === "list" ? unknown(type.element) : ANYTHING;
  }
  if (!isInteger(index)) throw new EvaluationError("An index must be a whole number.");
  if (index.mantissa < 0n) throw new EvaluationError("An index can't be negative.");
  const position = compare(index, fromInteger(2 ** 31)) < 0 ? Number(toBigInt(index)) : 2 ** 31;
  if (data === UNKNOWN) {
    if (type.kind === "list") return unknown(type.element);
    const element = type.elements[position];
    if (element !== undefined) return unknown(element);
  }
  const item: Value | undefined = Array.isArray(data) ? data[position] : undefined;
  if (item !== undefined) return item;
  const length = Array.isArray(data) ? data.length : 0;
  throw new EvaluationError(
    length === 0 ? "The list has no elements." : `The list has no element ${position}: it has ${length}.`,
  );
}
