import { compareTypes } from "./compare-types.ts";
import { type Conversion, conversionTo } from "./convert.ts";
import { DYNAMIC, isSameType, listOf, mapOf, type ObjectType, objectOf, type Type, tupleOf } from "./type.ts";

/**
 * The one type to which values of all these types convert, null when there is none. The rules are those of
 * Terraform's type system (`convert.Unify` of go-cty).
 */
export function unify(types: readonly Type[], isUnsafe: boolean): Type | null {
  if (types.length === 0) return null;
  const count = (kind: Type["kind"]) => types.filter((type) => type.kind === kind).length;
  const all = types.length;
  const dynamic = count("dynamic");
  const [maps, lists, sets, objects, tuples] = [
    count("map"),
    count("list"),
    count("set"),
    count("object"),
    count("tuple"),
  ];
  if (maps > 0 && maps + dynamic === all) return unifyElements("map", types, isUnsafe);
  if (maps > 0 && maps + objects + dynamic === all) {
    const common = withReplaced(types, "object", isUnsafe, objectsToMap);
    if (common?.kind === "map") return common;
  } else if (lists > 0 && lists + dynamic === all) return unifyElements("list", types, isUnsafe);
  else if (lists > 0 && lists + tuples + dynamic === all) {
    const common = withReplaced(types, "tuple", isUnsafe, tuplesToList);
    if (common?.kind === "list") return common;
  } else if (sets > 0 && sets + dynamic === all) return unifyElements("set", types, isUnsafe);
  else if (objects > 0 && objects + dynamic === all) return unifyObjects(types, isUnsafe);
  else if (tuples > 0 && tuples + dynamic === all) return unifyTuples(types, isUnsafe);
  else if (objects > 0 && tuples > 0) return null;
  return mostGeneral(types, isUnsafe);
}

/** The types with the conversions that unification asks for, as conditions and lists of mixed types need them. */
export function unifyWithConversions(
  types: readonly Type[],
): { type: Type; conversions: Conversion[] } | null {
  const common = unify(types, true);
  if (common === null) return null;
  const conversions = types.map((type): Conversion | null => {
    return isSameType(type, common) ? (value) => value : conversionTo(type, common, true);
  });
  const usable = conversions.filter((conversion) => conversion !== null);
  return usable.length === types.length ? { type: common, conversions: usable } : null;
}

function mostGeneral(types: readonly Type[], isUnsafe: boolean): Type | null {
  const wanted = byGenerality(types).find((candidate) => {
    return types.every(
      (type) => isSameType(type, candidate) || conversionTo(type, candidate, isUnsafe) !== null,
    );
  });
  return wanted ?? null;
}

/** Types to which others convert come first; types that have nothing to do with one another keep their order. */
function byGenerality(types: readonly Type[]): Type[] {
  const distinct: Type[] = [];
  for (const type of types) {
    if (!distinct.some((other) => isSameType(other, type))) distinct.push(type);
  }
  const blockers = distinct.map((type) => {
    return new Set(distinct.filter((other) => other !== type && compareTypes(other, type) < 0));
  });
  const sorted: Type[] = [];
  while (sorted.length < distinct.length) {
    const next = distinct.find((type, i) => {
      return !sorted.includes(type) && [...(blockers[i] ?? [])].every((blocker) => sorted.includes(blocker));
    });
    if (next === undefined) return [...sorted, ...distinct.filter((type) => !sorted.includes(type))];
    sorted.push(next);
  }
  return sorted;
}

function convertsAll(types: readonly Type[], to: Type, isUnsafe: boolean): boolean {
  return types.every((type) => isSameType(type, to) || conversionTo(type, to, isUnsafe) !== null);
}

function unifyElements(kind: "list" | "set" | "map", types: readonly Type[], isUnsafe: boolean): Type | null {
  if (types.some((type) => type.kind === "dynamic")) return DYNAMIC;
  const element = unify(
    types.flatMap((type) => ("element" in type ? [type.element] : [])),
    isUnsafe,
  );
  if (element === null) return null;
  const common: Type = { kind, element };
  return convertsAll(types, common, isUnsafe) ? common : null;
}

/** Objects beside maps count as maps, tuples beside lists as lists. */
function withReplaced(
  types: readonly Type[],
  kind: "object" | "tuple",
  isUnsafe: boolean,
  replace: (types: readonly Type[], isUnsafe: boolean) => Type | null,
): Type | null {
  const replacement = replace(
    types.filter((type) => type.kind === kind),
    isUnsafe,
  );
  if (replacement === null) return null;
  return unify(
    types.map((type) => (type.kind === kind ? replacement : type)),
    isUnsafe,
  );
}

function objectsToMap(types: readonly Type[], isUnsafe: boolean): Type | null {
  const element = unify(
    types.flatMap((type) => (type.kind === "object" ? [...type.attributes.values()] : [])),
    isUnsafe,
  );
  if (element === null) return null;
  const common = mapOf(element);
  return convertsAll(types, common, isUnsafe) ? common : null;
}

function tuplesToList(types: readonly Type[], isUnsafe: boolean): Type | null {
  const element = unify(
    types.flatMap((type) => (type.kind === "tuple" ? type.elements : [])),
    isUnsafe,
  );
  if (element === null) return null;
  const common = listOf(element);
  return convertsAll(types, common, isUnsafe) ? common : null;
}

function unifyObjects(types: readonly Type[], isUnsafe: boolean): Type | null {
  if (types.some((type) => type.kind === "dynamic")) return DYNAMIC;
  const objects = types.filter((type): type is ObjectType => type.kind === "object");
  const [first] = objects;
  if (first === undefined) return null;
  const names = [...first.attributes.keys()];
  const isUniform = objects.every(({ attributes }) => {
    return attributes.size === names.length && names.every((name) => attributes.has(name));
  });
  if (!isUniform) return objectsToMap(types, isUnsafe);
  const attributes = new Map<string, Type>();
  for (const name of names) {
    const common = unify(
      objects.map((type) => type.attributes.get(name) ?? DYNAMIC),
      isUnsafe,
    );
    if (common === null) return null;
    attributes.set(name, common);
  }
  const common = objectOf(attributes);
  return convertsAll(types, common, isUnsafe) ? common : objectsToMap(types, isUnsafe);
}

function unifyTuples(types: readonly Type[], isUnsafe: boolean): Type | null {
  if (types.some((type) => type.kind === "dynamic")) return DYNAMIC;
  const tuples = types.flatMap((type) => (type.kind === "tuple" ? [type.elements] : []));
  const length = tuples[0]?.length ?? 0;
  if (tuples.some((elements) => elements.length !== length)) return tuplesToList(types, isUnsafe);
  const elements: Type[] = [];
  for (let i = 0; i < length; i += 1) {
    const common = unify(
      tuples.map((types) => types[i] ?? DYNAMIC),
      isUnsafe,
    );
    if (common === null) return null;
    elements.push(common);
  }
  const common = tupleOf(elements);
  return convertsAll(types, common, isUnsafe) ? common : tuplesToList(types, isUnsafe);
}
