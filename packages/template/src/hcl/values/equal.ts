import { compare } from "./decimal.ts";
import { BOOL, isSameType } from "./type.ts";
import { bool, childrenOf, FALSE, isWhollyKnown, TRUE, UNKNOWN, unknown, type Value } from "./value.ts";

/** `==`: values of different types differ, but null equals null. Unknown when an answer would be a guess. */
export function equals(a: Value, b: Value): Value {
  if (a.data === null && b.data === null) return TRUE;
  if (a.data === UNKNOWN || b.data === UNKNOWN) return unknown(BOOL);
  if (a.data === null || b.data === null) return FALSE;
  if (!isWhollyKnown(a) || !isWhollyKnown(b)) return isPartlyDifferent(a, b) ? FALSE : unknown(BOOL);
  return bool(isSame(a, b));
}

/** Equality of wholly known values. */
export function isSame(a: Value, b: Value): boolean {
  if (a.data === null || b.data === null) return a.data === b.data;
  if (typeof a.data !== "object" || typeof b.data !== "object") {
    return a.type.kind === b.type.kind && a.data === b.data;
  }
  if ("mantissa" in a.data || "mantissa" in b.data) {
    return "mantissa" in a.data && "mantissa" in b.data && compare(a.data, b.data) === 0;
  }
  if (!isSameType(a.type, b.type)) return false;
  const [left, right] = [childrenOf(a), childrenOf(b)];
  if (left.length !== right.length) return false;
  if (a.data instanceof Map && b.data instanceof Map) {
    const keys = [...b.data.keys()];
    if (![...a.data.keys()].every((key, i) => key === keys[i])) return false;
  }
  return left.every((item, i) => {
    const other = right[i];
    return other !== undefined && isSame(item, other);
  });
}

/** What is unknown in two values may not matter: they differ already in what is known. */
function isPartlyDifferent(a: Value, b: Value): boolean {
  if (a.type.kind === "set" || b.type.kind === "set") return false;
  const [left, right] = [childrenOf(a), childrenOf(b)];
  if (a.type.kind !== b.type.kind) return false;
  if (left.length !== right.length) return true;
  return left.some((item, i) => {
    const other = right[i];
    return other !== undefined && equals(item, other).data === false;
  });
}
