import { convert } from "../values/convert.ts";
import { add, compare, fromInteger, type Num } from "../values/decimal.ts";
import { equals } from "../values/equal.ts";
import { DYNAMIC, listOf, NUMBER, STRING, type Type, typeName } from "../values/type.ts";
import { unify } from "../values/unify.ts";
import {
  ANYTHING,
  type Items,
  isKnown,
  isNull,
  list,
  number,
  tuple,
  unknown,
  type Value,
} from "../values/value.ts";
import {
  anything,
  anythingOrNull,
  type FunctionTable,
  isSequence,
  itemsOf,
  numberOf,
  numeric,
  refuse,
  wholeOf,
} from "./define.ts";

const listOfAny = { type: listOf(DYNAMIC) };
const listOfTexts = { type: listOf(STRING) };
const MAX_RANGE = 1024;

/** Functions that make lists and tuples. */
export const LIST_FUNCTIONS: FunctionTable = {
  chunklist: {
    parameters: [listOfAny, numeric],
    call: ([value, size]) => {
      const chunk = wholeOf(size, "size");
      if (chunk < 0) return refuse("The size can't be negative.");
      const items = itemsOf(value);
      const type = value?.type ?? listOf(DYNAMIC);
      const step = chunk === 0 ? Math.max(1, items.length) : chunk;
      const count = Math.ceil(items.length / step);
      const chunks = Array.from({ length: count }, (_, i) => ({
        type,
        data: items.slice(i * step, (i + 1) * step),
      }));
      return list(type, chunks);
    },
  },
  coalescelist: {
    parameters: [],
    rest: anythingOrNull,
    seesUnknown: true,
    call: (args) => {
      for (const arg of args) {
        if (!isKnown(arg)) return ANYTHING;
        if (arg.type.kind !== "list" && arg.type.kind !== "tuple") {
          return refuse("All arguments of coalescelist must be lists or tuples.");
        }
      }
      return (
        args.find((arg) => Array.isArray(arg.data) && arg.data.length > 0) ??
        refuse("All lists are empty or null.")
      );
    },
  },
  compact: {
    parameters: [listOfTexts],
    result: listOf(STRING),
    call: ([value]) =>
      list(
        STRING,
        itemsOf(value).filter(({ data }) => data !== null && data !== ""),
      ),
  },
  concat: { parameters: [], rest: anything, seesUnknown: true, call: concat },
  distinct: {
    parameters: [listOfAny],
    call: ([value], { budget }) => {
      const items = itemsOf(value);
      const distinct: Value[] = [];
      for (const item of items) {
        budget.spend({ steps: distinct.length });
        if (!distinct.some((other) => equals(other, item).data === true)) distinct.push(item);
      }
      return { type: value?.type ?? listOf(DYNAMIC), data: distinct };
    },
  },
  flatten: {
    parameters: [anything],
    call: ([value], { budget }) => {
      const flat: Value[] = [];
      const add = (items: Items) => {
        budget.spend({ steps: items.length, size: items.length });
        for (const item of items) {
          if (isSequence(item) && !isNull(item)) add(itemsOf(item));
          else flat.push(item);
        }
      };
      add(itemsOf(value));
      return tuple(flat);
    },
  },
  matchkeys: { parameters: [listOfAny, listOfAny, listOfAny], call: matchKeys },
  range: { parameters: [], rest: numeric, result: listOf(NUMBER), call: range },
  reverse: {
    parameters: [anything],
    seesUnknown: true,
    call: ([value]) => {
      if (value === undefined || !isKnown(value)) return ANYTHING;
      const items = itemsOf(value).toReversed();
      return "element" in value.type ? list(value.type.element, items) : tuple(items);
    },
  },
  slice: {
    parameters: [anything, numeric, numeric],
    call: ([value, from, to]) => {
      if (value?.type.kind === "set") return refuse("A set has no order. Convert it with tolist first.");
      const items = itemsOf(value);
      const [start, end] = [wholeOf(from, "start index"), wholeOf(to, "end index")];
      if (start < 0 || end < 0) return refuse("An index can't be negative.");
      if (start > items.length || end > items.length) {
        return refuse(`An index lies behind the end of the list, which has ${items.length} elements.`);
      }
      if (start > end) return refuse("The start index can't be greater than the end index.");
      const part = items.slice(start, end);
      return value !== undefined && "element" in value.type ? list(value.type.element, part) : tuple(part);
    },
  },
};

function concat(args: readonly Value[]): Value {
  if (args.length === 0) return refuse("concat needs at least one list.");
  if (args.every(({ type }) => type.kind === "list")) {
    const type = unify(
      args.map((arg) => arg.type),
      true,
    );
    if (type?.kind === "list") {
      const lists = args.map((arg) => convert(arg, type));
      return lists.every(isKnown)
        ? list(
            type.element,
            lists.flatMap((each) => itemsOf(each)),
          )
        : unknown(type);
    }
  }
  const strange = args.find(
    ({ type }) => type.kind !== "list" && type.kind !== "tuple" && type.kind !== "dynamic",
  );
  if (strange !== undefined)
    return refuse(`All arguments of concat must be lists or tuples, but one is a ${typeName(strange.type)}.`);
  return args.every(isKnown) ? tuple(args.flatMap((each) => itemsOf(each))) : ANYTHING;
}

function range(args: readonly Value[]): Value {
  const zero = fromInteger(0);
  const [first = zero, second = zero, third = zero] = args.map(numberOf);
  if (args.length === 0 || args.length > 3) return refuse("range takes one to three numbers.");
  const [start, end] = args.length === 1 ? [zero, first] : [first, second];
  const step = args.length === 3 ? third : fromInteger(compare(end, start) < 0 ? -1 : 1);
  if (step.mantissa === 0n) return refuse("The step can't be zero.");
  const direction = step.mantissa < 0n ? -1 : 1;
  if (compare(end, start) * direction < 0) return refuse("The step leads away from the end.");
  const values: Num[] = [];
  for (let next = start; compare(next, end) * direction < 0; next = add(next, step)) {
    if (values.length >= MAX_RANGE) return refuse(`range gives ${MAX_RANGE} numbers at most.`);
    values.push(next);
  }
  return list(NUMBER, values.map(number));
}

function matchKeys([values, keys, wanted]: readonly Value[]): Value {
  if (values === undefined || keys === undefined || wanted === undefined) return ANYTHING;
  const type: Type | null = unify([keys.type, wanted.type], true);
  if (type === null) return refuse("The keys and the searched ones must have one type.");
  const items = itemsOf(values);
  const all = itemsOf(convert(keys, type));
  if (items.length !== all.length) return refuse("There must be as many keys as values.");
  const searched = itemsOf(convert(wanted, type));
  const found = items.filter((_, i) => {
    const key = all[i];
    return key !== undefined && searched.some((candidate) => equals(key, candidate).data === true);
  });
  return { type: values.type, data: found };
}
