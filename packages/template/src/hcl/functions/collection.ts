import { convert } from "../values/convert.ts";
import { equals } from "../values/equal.ts";
import { BOOL, DYNAMIC, listOf, NUMBER } from "../values/type.ts";
import { unify } from "../values/unify.ts";
import {
  ANYTHING,
  bool,
  integer,
  isKnown,
  isNull,
  isWhollyKnown,
  nullOf,
  UNKNOWN,
  unknown,
  type Value,
} from "../values/value.ts";
import {
  anything,
  anythingOrNull,
  type FunctionTable,
  itemsOf,
  numeric,
  refuse,
  textOf,
  wholeOf,
} from "./define.ts";
import { textLength } from "./string.ts";

const listOfBools = { type: listOf(BOOL) };

/** Functions that say something of a collection, or choose one of several values. */
export const COLLECTION_FUNCTIONS: FunctionTable = {
  length: { parameters: [anything], result: NUMBER, seesUnknown: true, call: ([value]) => lengthOf(value) },
  alltrue: {
    parameters: [listOfBools],
    result: BOOL,
    call: ([value]) => bool(itemsOf(value).every(({ data }) => data === true)),
  },
  anytrue: {
    parameters: [listOfBools],
    result: BOOL,
    call: ([value]) => bool(itemsOf(value).some(({ data }) => data === true)),
  },
  coalesce: { parameters: [], rest: anythingOrNull, seesUnknown: true, call: coalesce },
  contains: {
    parameters: [anything, anything],
    result: BOOL,
    seesUnknown: true,
    call: ([where, what]) => {
      if (where === undefined || what === undefined || !isKnown(where)) return unknown(BOOL);
      const found = itemsOf(where).map((item) => equals(item, what).data);
      if (found.includes(true)) return bool(true);
      return found.includes(UNKNOWN) ? unknown(BOOL) : bool(false);
    },
  },
  element: {
    parameters: [anything, numeric],
    seesUnknown: true,
    call: ([value, index]) => {
      if (value === undefined || !isKnown(value) || index === undefined || !isKnown(index)) return ANYTHING;
      if (value.type.kind === "set") return refuse("A set has no order. Convert it with tolist first.");
      const items = itemsOf(value);
      if (items.length === 0) return refuse("An empty list has no element.");
      const position = wholeOf(index, "index");
      if (position < 0) return refuse("An index can't be negative.");
      return items[position % items.length] ?? ANYTHING;
    },
  },
  index: {
    parameters: [anything, anything],
    result: NUMBER,
    call: ([where, what]) => {
      if (where?.type.kind === "set") return refuse("A set has no order.");
      const items = itemsOf(where);
      if (items.length === 0) return refuse("An empty list holds nothing.");
      const at = items.findIndex((item) => what !== undefined && equals(item, what).data === true);
      return at === -1 ? refuse("The list does not hold this value.") : integer(at);
    },
  },
  one: {
    parameters: [anything],
    seesUnknown: true,
    call: ([value]) => {
      if (value === undefined || !isKnown(value)) return ANYTHING;
      const items = itemsOf(value);
      if (items.length > 1)
        return refuse(`one takes a list with at most one element; this has ${items.length}.`);
      return items[0] ?? nullOf("element" in value.type ? value.type.element : DYNAMIC);
    },
  },
};

function lengthOf(value: Value | undefined): Value {
  if (value === undefined) return unknown(NUMBER);
  const { type, data } = value;
  if (type.kind === "tuple") return integer(type.elements.length);
  if (type.kind === "object") return integer(type.attributes.size);
  if (type.kind === "number" || type.kind === "bool") return refuse(`A ${type.kind} has no length.`);
  if (data === UNKNOWN) return unknown(NUMBER);
  if (type.kind === "string") return textLength(textOf(value));
  if (data instanceof Map) return integer(data.size);
  const items = itemsOf(value);
  // Two unknown elements of a set may turn out to be the same one.
  if (type.kind === "set" && items.length > 1 && !items.every(isWhollyKnown)) return unknown(NUMBER);
  return integer(items.length);
}

function coalesce(args: readonly Value[]): Value {
  const type = unify(
    args.map((arg) => arg.type),
    true,
  );
  if (type === null) return refuse("All arguments of coalesce must have one type.");
  for (const arg of args) {
    const value = convert(arg, type);
    if (!isKnown(value)) return unknown(type);
    if (!isNull(value) && !(type.kind === "string" && value.data === "")) return value;
  }
  return refuse("All arguments of coalesce are null or empty.");
}
