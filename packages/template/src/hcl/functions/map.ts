import { ConversionError, convert } from "../values/convert.ts";
import { isSameType, listOf, mapOf, STRING, typeName } from "../values/type.ts";
import {
  ANYTHING,
  compareText,
  isKnown,
  isNull,
  list,
  map,
  object,
  string,
  tuple,
  UNKNOWN,
  unknown,
  type Value,
} from "../values/value.ts";
import {
  anything,
  anythingOrNull,
  entriesOf,
  type FunctionTable,
  itemsOf,
  refuse,
  text,
  textOf,
} from "./define.ts";

/** Functions about maps and objects. */
export const MAP_FUNCTIONS: FunctionTable = {
  keys: {
    parameters: [anything],
    seesUnknown: true,
    call: ([value]) => {
      if (value?.type.kind === "object") return tuple([...value.type.attributes.keys()].map(string));
      if (value === undefined || !isKnown(value)) return unknown(listOf(STRING));
      return list(STRING, [...entriesOf(value).keys()].map(string));
    },
  },
  values: {
    parameters: [anything],
    seesUnknown: true,
    call: ([value]) => {
      if (value === undefined || !isKnown(value)) return ANYTHING;
      const items = [...entriesOf(value).values()];
      return value.type.kind === "map" ? list(value.type.element, items) : tuple(items);
    },
  },
  lookup: { parameters: [anything, text], rest: anythingOrNull, seesUnknown: true, call: lookup },
  merge: { parameters: [], rest: anythingOrNull, seesUnknown: true, call: merge },
  zipmap: {
    parameters: [{ type: listOf(STRING) }, anything],
    seesUnknown: true,
    call: ([names, values]) => {
      if (names === undefined || values === undefined || !isKnown(names) || !isKnown(values)) return ANYTHING;
      const keys = itemsOf(names);
      if (keys.some(({ data }) => data === UNKNOWN)) return ANYTHING;
      if (values.type.kind === "set") return refuse("A set has no order. Convert it with tolist first.");
      const items = itemsOf(values);
      if (keys.length !== items.length) {
        return refuse(`There are ${keys.length} keys but ${items.length} values.`);
      }
      const entries = new Map(keys.map((key, i): [string, Value] => [textOf(key), items[i] ?? ANYTHING]));
      return values.type.kind === "list" ? map(values.type.element, entries) : object(entries);
    },
  },
  transpose: {
    parameters: [{ type: mapOf(listOf(STRING)) }],
    result: mapOf(listOf(STRING)),
    call: ([value]) => {
      const turned = new Map<string, string[]>();
      for (const [key, items] of entriesOf(value)) {
        for (const item of itemsOf(items)) {
          const name = textOf(item);
          turned.set(name, [...(turned.get(name) ?? []), key]);
        }
      }
      const entries = [...turned].map(([name, keys]): [string, Value] => {
        return [name, list(STRING, keys.sort(compareText).map(string))];
      });
      return map(listOf(STRING), entries);
    },
  },
};

function lookup([where, key, ...defaults]: readonly Value[]): Value {
  const [fallback, ...others] = defaults;
  if (others.length > 0) return refuse("lookup takes two or three arguments.");
  if (where === undefined || key === undefined) return ANYTHING;
  const { type } = where;
  if (type.kind === "dynamic") return ANYTHING;
  if (type.kind !== "map" && type.kind !== "object")
    return refuse(`lookup needs a map, not a ${typeName(type)}.`);
  const absent = type.kind === "map" && fallback !== undefined ? fitting(fallback, type.element) : fallback;
  if (!isKnown(key) || !isKnown(where)) return type.kind === "map" ? unknown(type.element) : ANYTHING;
  const name = textOf(key);
  return (
    entriesOf(where).get(name) ??
    absent ??
    refuse(`The map has no element with the key ${JSON.stringify(name)}.`)
  );
}

function fitting(fallback: Value, element: Value["type"]): Value {
  try {
    return convert(fallback, element);
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error;
    return refuse("The default of lookup must have the type of the map's elements.", error);
  }
}

function merge(given: readonly Value[]): Value {
  const args = given.filter((arg) => !(isNull(arg) && arg.type.kind === "dynamic"));
  const [first] = args;
  if (first === undefined) return object([]);
  if (args.some(({ type }) => type.kind === "dynamic")) return ANYTHING;
  const strange = args.find(({ type }) => type.kind !== "map" && type.kind !== "object");
  if (strange !== undefined) return refuse(`merge takes maps and objects, not a ${typeName(strange.type)}.`);
  const isUniform = args.every(({ type }) => isSameType(type, first.type));
  if (!args.every((arg) => isNull(arg) || isKnown(arg))) return isUniform ? unknown(first.type) : ANYTHING;
  const entries = new Map(args.filter((arg) => !isNull(arg)).flatMap((arg) => [...entriesOf(arg)]));
  if (isUniform && first.type.kind === "map") return map(first.type.element, entries);
  return object(entries);
}
