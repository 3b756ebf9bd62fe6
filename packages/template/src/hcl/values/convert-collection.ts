import { type Conversion, ConversionError, conversionTo } from "./convert.ts";
import { set } from "./set.ts";
import {
  DYNAMIC,
  isSameType,
  listOf,
  mapOf,
  type ObjectType,
  objectOf,
  type Type,
  tupleOf,
  withoutOptional,
} from "./type.ts";
import { unify } from "./unify.ts";
import { childrenOf, compareText, map, nullOf, type Value } from "./value.ts";

type Collection = Extract<Type, { element: Type }>;
type Identity = (value: Value) => Value;

/** Conversions to lists, sets, maps, tuples and objects of known values. */
export function conversionOfCollection(from: Type, to: Type, isUnsafe: boolean): Conversion | null {
  if (to.kind === "object") {
    if (from.kind === "object") return objectToObject(from, to, isUnsafe);
    return from.kind === "map" && isUnsafe ? mapToObject(from.element, to, isUnsafe) : null;
  }
  if (to.kind === "tuple")
    return from.kind === "tuple" ? tupleToTuple(from.elements, to.elements, isUnsafe) : null;
  if (to.kind === "map") {
    if (from.kind === "map") return mapToMap(from, to.element, isUnsafe);
    return from.kind === "object" ? objectToMap(from, to.element, isUnsafe) : null;
  }
  if (to.kind !== "list" && to.kind !== "set") return null;
  if (from.kind === "tuple") return tupleToCollection(from.elements, to, isUnsafe);
  if (from.kind !== "list" && from.kind !== "set") return null;
  if (to.kind === "set" && from.kind === "list" && !isUnsafe) return null;
  const element = conversionTo(from.element, to.element, isUnsafe);
  if (element === null) return null;
  const isSame = isSameType(from.element, to.element);
  return (value) => {
    const items = childrenOf(value).map(isSame ? same : element);
    return build(to, items, from.element);
  };
}

const same: Identity = (value) => value;

/** A list or set of elements that were converted; with `any` as its element they must turn out to be of one type. */
function build(to: Collection, items: Value[], emptyElement: Type): Value {
  const fallback = to.element.kind === "dynamic" ? emptyElement : to.element;
  const { element, settled } = ofOneType(items, fallback);
  return to.kind === "set" ? set(element, settled) : { type: listOf(element), data: settled };
}

/** Nulls and unknowns without a type take that of the others. */
function ofOneType(items: Value[], fallback: Type): { element: Type; settled: Value[] } {
  const typed = items.find(({ type }) => type.kind !== "dynamic");
  const element = typed?.type ?? items[0]?.type ?? withoutOptional(fallback);
  const settled = items.map((item) => (item.type.kind === "dynamic" ? { ...item, type: element } : item));
  if (!settled.every(({ type }) => isSameType(type, element))) {
    throw new ConversionError("all elements must be of the same type");
  }
  return { element, settled };
}

function tupleToCollection(elements: readonly Type[], to: Collection, isUnsafe: boolean): Conversion | null {
  if (elements.length === 0) {
    const type: Type = { kind: to.kind, element: withoutOptional(to.element) };
    return () => ({ type, data: [] });
  }
  const element = to.element.kind === "dynamic" ? unify(elements, isUnsafe) : to.element;
  if (element === null) return null;
  if (to.element.kind === "dynamic" && element.kind === "dynamic") {
    if (elements.some(({ kind }) => kind !== "dynamic")) return null;
  }
  const conversions = elements.map((from) => {
    return isSameType(from, element) ? same : conversionTo(from, element, isUnsafe);
  });
  if (conversions.some((conversion) => conversion === null)) return null;
  return (value) => {
    const items = childrenOf(value).map((item, i) => (conversions[i] ?? same)(item));
    return build(to, to.kind === "list" ? unified(items, isUnsafe) : items, element);
  };
}

/** Elements may come out with different types where the wanted one holds an `any`. */
function unified(items: Value[], isUnsafe: boolean): Value[] {
  const element = unify(
    items.map(({ type }) => type),
    isUnsafe,
  );
  if (element === null) throw new ConversionError("the elements have no common type");
  return items.map((item) => {
    if (isSameType(item.type, element)) return item;
    const conversion = conversionTo(item.type, element, isUnsafe);
    if (conversion === null) throw new ConversionError("the elements have no common type");
    return conversion(item);
  });
}

function mapToMap(from: Collection, element: Type, isUnsafe: boolean): Conversion | null {
  const conversion = conversionTo(from.element, element, isUnsafe);
  if (conversion === null) return null;
  return (value) =>
    buildMap(
      entriesOf(value).map(([key, item]) => [key, conversion(item)]),
      element,
      from.element,
    );
}

function objectToMap(from: ObjectType, wanted: Type, isUnsafe: boolean): Conversion | null {
  if (from.attributes.size === 0) {
    const type = mapOf(withoutOptional(wanted));
    return () => ({ type, data: new Map() });
  }
  const element = wanted.kind === "dynamic" ? unify([...from.attributes.values()], isUnsafe) : wanted;
  if (element === null) return null;
  const conversions = new Map<string, Conversion>();
  for (const [name, type] of from.attributes) {
    const conversion = isSameType(type, element) ? same : conversionTo(type, element, isUnsafe);
    if (conversion === null) return null;
    conversions.set(name, conversion);
  }
  return (value) => {
    const entries = entriesOf(value).map(([key, item]): [string, Value] => {
      return [key, (conversions.get(key) ?? same)(item)];
    });
    return buildMap(entries, element, element);
  };
}

function buildMap(entries: [string, Value][], wanted: Type, emptyElement: Type): Value {
  const isNested = wanted.kind !== "string" && wanted.kind !== "number" && wanted.kind !== "bool";
  const items = entries.map(([, item]) => item);
  const settled = isNested && wanted.kind !== "dynamic" && items.length > 0 ? unified(items, false) : items;
  const one = ofOneType(settled, wanted.kind === "dynamic" ? emptyElement : wanted);
  return map(
    one.element,
    entries.map(([key], i) => [key, one.settled[i] ?? nullOf(one.element)]),
  );
}

function tupleToTuple(from: readonly Type[], to: readonly Type[], isUnsafe: boolean): Conversion | null {
  if (from.length !== to.length) return null;
  const conversions = from.map((type, i) => {
    const wanted = to[i] ?? DYNAMIC;
    return isSameType(type, wanted) ? same : conversionTo(type, wanted, isUnsafe);
  });
  if (conversions.some((conversion) => conversion === null)) return null;
  return (value) => {
    const items = childrenOf(value).map((item, i) => (conversions[i] ?? same)(item));
    return { type: tupleOf(items.map(({ type }) => type)), data: items };
  };
}

function objectToObject(from: ObjectType, to: ObjectType, isUnsafe: boolean): Conversion | null {
  const conversions = new Map<string, Conversion>();
  for (const [name, wanted] of to.attributes) {
    const given = from.attributes.get(name);
    if (given === undefined) {
      if (to.optional?.has(name) !== true) return null;
      continue;
    }
    const conversion = isSameType(given, wanted) ? same : conversionTo(given, wanted, isUnsafe);
    if (conversion === null) return null;
    conversions.set(name, conversion);
  }
  return (value) => pickAttributes(value, to, conversions);
}

function mapToObject(element: Type, to: ObjectType, isUnsafe: boolean): Conversion | null {
  const conversions = new Map<string, Conversion>();
  for (const [name, wanted] of to.attributes) {
    const conversion = isSameType(element, wanted) ? same : conversionTo(element, wanted, isUnsafe);
    if (conversion !== null) conversions.set(name, conversion);
    else if (to.optional?.has(name) !== true) return null;
  }
  return (value) => pickAttributes(value, to, conversions);
}

function pickAttributes(value: Value, to: ObjectType, conversions: ReadonlyMap<string, Conversion>): Value {
  const given = new Map(entriesOf(value));
  const attributes: [string, Value][] = [];
  for (const [name, wanted] of to.attributes) {
    const item = given.get(name);
    const conversion = conversions.get(name);
    if (item === undefined) {
      if (to.optional?.has(name) !== true) {
        throw new ConversionError(`attribute ${JSON.stringify(name)} is required`);
      }
      attributes.push([name, nullOf(withoutOptional(wanted))]);
    } else if (conversion === undefined) {
      throw new ConversionError(`attribute ${JSON.stringify(name)} has the wrong type`);
    } else attributes.push([name, conversion(item)]);
  }
  const data = new Map(attributes.sort(([a], [b]) => compareText(a, b)));
  return { type: objectOf(new Map([...data].map(([name, { type }]) => [name, type]))), data };
}

function entriesOf({ data }: Value): [string, Value][] {
  return data instanceof Map ? [...data] : [];
}
