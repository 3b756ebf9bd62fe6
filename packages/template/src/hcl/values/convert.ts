import { conversionOfCollection } from "./convert-collection.ts";
import { NumberRangeError, parseNumber } from "./decimal.ts";
import { numberText } from "./format-number.ts";
import { DYNAMIC, hasDynamic, isSameType, STRING, type Type, typeName, withoutOptional } from "./type.ts";
import { bool, markSensitive, number, string, UNKNOWN, unknown, unmark, type Value } from "./value.ts";

/** The value can't become one of that type. */
export class ConversionError extends Error {}

export type Conversion = (value: Value) => Value;

/** Converts as Terraform does wherever it expects a type, so also text to a number or a bool. */
export function convert(value: Value, type: Type): Value {
  if (isSameType(value.type, withoutOptional(type))) return value;
  const conversion = conversionTo(value.type, type, true);
  if (conversion === null) throw new ConversionError(mismatch(value.type, type));
  return conversion(value);
}

/** The way from one type to another, null when there is none. The unsafe ones may fail with some values. */
export function conversionTo(from: Type, to: Type, isUnsafe: boolean): Conversion | null {
  const known = knownConversion(from, to, isUnsafe);
  if (known === null) return null;
  return (value) => {
    if (value.sensitive === true) return markSensitive(convertAny(unmark(value)), true);
    return convertAny(value);
  };
  function convertAny(value: Value): Value {
    if (to.kind === "dynamic") return value;
    const target = withoutOptional(to);
    if (value.data === UNKNOWN) return unknown(hasDynamic(target) ? DYNAMIC : target);
    if (value.data === null) return { type: target, data: null };
    return known === null ? value : known(value);
  }
}

function knownConversion(from: Type, to: Type, isUnsafe: boolean): Conversion | null {
  if (to.kind === "dynamic") return (value) => value;
  if (from.kind === "dynamic") return isUnsafe ? (value) => convertDynamic(value, to) : null;
  if (to.kind === from.kind && (to.kind === "string" || to.kind === "number" || to.kind === "bool")) {
    return (value) => value;
  }
  if (to.kind === "string") return from.kind === "number" || from.kind === "bool" ? toText : null;
  if (to.kind === "number") return isUnsafe && from.kind === "string" ? toNumber : null;
  if (to.kind === "bool") return isUnsafe && from.kind === "string" ? toBool : null;
  return conversionOfCollection(from, to, isUnsafe);
}

/** Only nulls and unknowns have no type of their own, and they are handled before. */
function convertDynamic(value: Value, to: Type): Value {
  return isSameType(value.type, DYNAMIC) ? { type: to, data: value.data } : convert(value, to);
}

function toText({ data }: Value): Value {
  if (typeof data === "boolean") return string(String(data));
  if (typeof data === "object" && data !== null && "mantissa" in data) return string(numberText(data));
  throw new ConversionError("a string is required");
}

function toNumber({ data }: Value): Value {
  try {
    const parsed = typeof data === "string" ? parseNumber(data) : null;
    if (parsed === null) throw new ConversionError("a number is required");
    return number(parsed);
  } catch (error) {
    if (error instanceof NumberRangeError) throw new ConversionError(error.message, { cause: error });
    throw error;
  }
}

function toBool({ data }: Value): Value {
  if (data === "true" || data === "1") return bool(true);
  if (data === "false" || data === "0") return bool(false);
  throw new ConversionError('a bool is required: "true" or "false"');
}

/** What is wrong, for a message. */
export function mismatch(from: Type, to: Type): string {
  if (to.kind === "object" && from.kind === "object") {
    for (const [name, type] of to.attributes) {
      const given = from.attributes.get(name);
      if (given === undefined) {
        if (to.optional?.has(name) !== true) return `attribute ${JSON.stringify(name)} is required`;
      } else if (conversionTo(given, type, true) === null) {
        return `attribute ${JSON.stringify(name)}: ${mismatch(given, type)}`;
      }
    }
  }
  if (to.kind === "list" || to.kind === "set" || to.kind === "map") {
    const isFitting =
      from.kind === "map" || from.kind === "object"
        ? to.kind === "map"
        : to.kind !== "map" && (from.kind === "tuple" || from.kind === "list" || from.kind === "set");
    if (isFitting) return `all elements must be of one type that converts to ${typeName(to.element)}`;
  }
  return `${typeName(to)} required, but this is ${isSameType(to, STRING) ? "a " : ""}${typeName(from)}`;
}
