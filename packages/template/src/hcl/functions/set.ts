import { convert } from "../values/convert.ts";
import { isSame } from "../values/equal.ts";
import { set } from "../values/set.ts";
import { DYNAMIC, setOf, type Type, tupleOf } from "../values/type.ts";
import { unify } from "../values/unify.ts";
import { type Items, list, tuple, type Value } from "../values/value.ts";
import { anything, type FunctionTable, isSequence, itemsOf, refuse } from "./define.ts";

const setOfAny = { type: setOf(DYNAMIC) };

/** Functions about sets. */
export const SET_FUNCTIONS: FunctionTable = {
  setunion: {
    parameters: [setOfAny],
    rest: setOfAny,
    call: (args) => {
      const { element, sets } = together(args);
      return set(element, sets.flat());
    },
  },
  setintersection: {
    parameters: [setOfAny],
    rest: setOfAny,
    call: (args) => {
      const { element, sets } = together(args);
      const [first = [], ...others] = sets;
      return set(
        element,
        first.filter((item) => others.every((other) => holds(other, item))),
      );
    },
  },
  setsubtract: {
    parameters: [setOfAny, setOfAny],
    call: (args) => {
      const { element, sets } = together(args);
      const [first = [], second = []] = sets;
      return set(
        element,
        first.filter((item) => !holds(second, item)),
      );
    },
  },
  setproduct: { parameters: [], rest: anything, call: (args, { budget }) => product(args, budget) },
};

function holds(items: Items, wanted: Value): boolean {
  return items.some((item) => isSame(item, wanted));
}

/** Sets of one element type. An empty set of nothing in particular fits every other. */
function together(args: readonly Value[]): { element: Type; sets: Items[] } {
  const types = args.map(({ type }) => ("element" in type ? type.element : DYNAMIC));
  const isEmptyAny = (i: number) => types[i]?.kind === "dynamic" && itemsOf(args[i]).length === 0;
  const known = types.filter((_, i) => !isEmptyAny(i));
  const element = known.length === 0 ? DYNAMIC : unify(known, true);
  if (element === null) return refuse("All sets must have elements of one type.");
  return {
    element,
    sets: args.map((arg, i) => (isEmptyAny(i) ? [] : itemsOf(convert(arg, setOf(element))))),
  };
}

function product(
  args: readonly Value[],
  budget: { spend(cost: { steps: number; size: number }): void },
): Value {
  if (args.length < 2) return refuse("setproduct takes at least two sets or lists.");
  const parts = args.map((arg) => {
    if (!isSequence(arg)) return refuse("setproduct takes sets and lists.");
    const { type } = arg;
    const element =
      "element" in type
        ? type.element
        : type.kind === "tuple" && type.elements.length > 0
          ? unify(type.elements, true)
          : DYNAMIC;
    if (element === null) return refuse("All elements of a list must have one type.");
    return { element, items: itemsOf(arg).map((item) => convert(item, element)) };
  });
  const total = parts.reduce((size, { items }) => size * items.length, 1);
  budget.spend({ steps: total * args.length, size: total * args.length });
  let rows: Value[][] = [[]];
  for (const { items } of parts) rows = rows.flatMap((row) => items.map((item) => [...row, item]));
  const element = tupleOf(parts.map((part) => part.element));
  const tuples = rows.map((row) => tuple(row));
  return args.every(({ type }) => type.kind !== "set") ? list(element, tuples) : set(element, tuples);
}
