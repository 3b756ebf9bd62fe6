import type { Type } from "./type.ts";

/** Below zero when the second type converts to the first, above when the first to the second, else zero. */
export function compareTypes(a: Type, b: Type): number {
  if (a.kind === "dynamic" || b.kind === "dynamic") {
    return a.kind === b.kind ? 0 : a.kind === "dynamic" ? 1 : -1;
  }
  if (isPrimitiveKind(a) && isPrimitiveKind(b)) {
    return a.kind === b.kind ? 0 : a.kind === "string" ? -1 : b.kind === "string" ? 1 : 0;
  }
  if (a.kind === "list" || a.kind === "set" || a.kind === "map") {
    if (a.kind === b.kind) return compareTypes(a.element, b.element);
  }
  const [rankA, rankB] = [sequenceRank(a), sequenceRank(b)];
  if (rankA !== 0 && rankB !== 0 && rankA !== rankB) return rankA - rankB;
  if (a.kind === "map" && b.kind === "object") return -1;
  if (a.kind === "object" && b.kind === "map") return 1;
  if (a.kind === "object" && b.kind === "object") {
    if (a.attributes.size !== b.attributes.size) return 0;
    const pairs = [...a.attributes].map(([name, type]) => [type, b.attributes.get(name)] as const);
    return compareAll(pairs);
  }
  if (a.kind === "tuple" && b.kind === "tuple") {
    if (a.elements.length !== b.elements.length) return 0;
    return compareAll(a.elements.map((type, i) => [type, b.elements[i]] as const));
  }
  return 0;
}

function isPrimitiveKind({ kind }: Type): boolean {
  return kind === "string" || kind === "number" || kind === "bool";
}

/** Sets and tuples convert to lists. A set, which forgets an order, is the last choice. */
function sequenceRank({ kind }: Type): number {
  return kind === "list" ? 1 : kind === "tuple" ? 2 : kind === "set" ? 3 : 0;
}

function compareAll(pairs: (readonly [Type, Type | undefined])[]): number {
  let isFirstMoreGeneral = false;
  let isSecondMoreGeneral = false;
  for (const [a, b] of pairs) {
    if (b === undefined) return 0;
    const order = compareTypes(a, b);
    if (order < 0) isFirstMoreGeneral = true;
    if (order > 0) isSecondMoreGeneral = true;
  }
  if (isFirstMoreGeneral === isSecondMoreGeneral) return 0;
  return isFirstMoreGeneral ? -1 : 1;
}
