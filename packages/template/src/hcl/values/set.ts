import { compare } from "./decimal.ts";
import { isSame } from "./equal.ts";
import { numberText, plainText, roundedDigits } from "./format-number.ts";
import { setOf, type Type } from "./type.ts";
import { childrenOf, compareText, type Items, isWhollyKnown, UNKNOWN, type Value } from "./value.ts";

/** A set of elements that have its type already, without doubles and in Terraform's order. */
export function set(element: Type, items: Items): Value {
  const known: Value[] = [];
  const others: Value[] = [];
  for (const [key, group] of Map.groupBy(items, identity)) {
    const distinct: Value[] = [];
    for (const item of group) {
      if (key === "?" || !distinct.some((other) => isSame(item, other))) distinct.push(item);
    }
    (key === "?" ? others : known).push(...distinct);
  }
  return { type: setOf(element), data: [...known.sort(compareElements), ...others] };
}

function identity(value: Value): string {
  return isWhollyKnown(value) ? orderKey(value) : "?";
}

/** Strings, numbers and bools have an order of their own; all else is ordered by a text that Terraform makes of it. */
function compareElements(a: Value, b: Value): number {
  if (a.data === null || b.data === null) return Number(a.data === null) - Number(b.data === null);
  if (typeof a.data === "string" && typeof b.data === "string") return compareText(a.data, b.data);
  if (typeof a.data === "boolean") return Number(a.data) - Number(b.data);
  if (typeof a.data === "object" && "mantissa" in a.data && typeof b.data === "object" && b.data !== null) {
    return "mantissa" in b.data ? compare(a.data, b.data) : 0;
  }
  return compareText(orderKey(a), orderKey(b));
}

function orderKey(value: Value): string {
  const { data, type } = value;
  if (data === UNKNOWN) return "?";
  if (data === null) return "~";
  if (typeof data === "boolean") return data ? "T" : "F";
  if (typeof data === "string") return goQuoted(data);
  if ("mantissa" in data) return tenDigits(value);
  if (type.kind === "map" && data instanceof Map) {
    return `{${[...data].map(([key, item]) => `${goQuoted(key)}:${orderKey(item)};`).join("")}}`;
  }
  const [open, close] = type.kind === "list" || type.kind === "set" ? "[]" : "<>";
  return `${open}${childrenOf(value)
    .map((item) => `${orderKey(item)};`)
    .join("")}${close}`;
}

/** Go's %.10g. */
function tenDigits({ data }: Value): string {
  if (typeof data !== "object" || data === null || !("mantissa" in data)) return "";
  if (data.mantissa === 0n) return "0";
  const digits = roundedDigits(data, 10, "first");
  const exponent = digits.point - 1;
  if (exponent >= -4 && exponent < Math.max(10, 0)) {
    return digits.digits.length <= 10 ? plainText(digits) : numberText(data);
  }
  const fraction = digits.digits.length > 1 ? `.${digits.digits.slice(1)}` : "";
  const sign = exponent < 0 ? "-" : "+";
  return `${digits.negative ? "-" : ""}${digits.digits[0]}${fraction}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function goQuoted(text: string): string {
  const escaped = text.replace(/["\\\p{Cc}\p{Cn}\p{Cs}\p{Cf}]|[\p{Z}--[ ]]/gv, (char) => {
    const simple = SIMPLE_ESCAPES[char];
    if (simple !== undefined) return simple;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}

const SIMPLE_ESCAPES: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};
