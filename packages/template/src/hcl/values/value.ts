import { fromInteger, type Num } from "./decimal.ts";
import { BOOL, DYNAMIC, listOf, mapOf, NUMBER, objectOf, STRING, type Type, tupleOf } from "./type.ts";

/** Stands in the place of what can't be known before a build. */
export const UNKNOWN: unique symbol = Symbol("unknown");

/**
 * A value of the language. Lists, sets and tuples hold their elements in order; maps and objects by key, in the
 * order of the keys. Sensitive is the mark that Terraform's `sensitive` sets: it spreads to what is made of it.
 */
export type Value = { readonly type: Type; readonly data: Data; readonly sensitive?: true };

export type Data = null | typeof UNKNOWN | string | boolean | Num | Items | Entries;
export type Items = readonly Value[];
export type Entries = ReadonlyMap<string, Value>;

export const TRUE: Value = { type: BOOL, data: true };
export const FALSE: Value = { type: BOOL, data: false };
export const NULL: Value = { type: DYNAMIC, data: null };
export const ANYTHING: Value = { type: DYNAMIC, data: UNKNOWN };

export function unknown(type: Type): Value {
  return { type, data: UNKNOWN };
}

export function nullOf(type: Type): Value {
  return { type, data: null };
}

/** Strings are kept in Unicode's normal form C, as Terraform keeps them. */
export function string(text: string): Value {
  return { type: STRING, data: /[^\x00-\x7F]/.test(text) ? text.toWellFormed().normalize("NFC") : text };
}

export function bool(value: boolean): Value {
  return value ? TRUE : FALSE;
}

export function number(value: Num): Value {
  return { type: NUMBER, data: value };
}

export function integer(value: number | bigint): Value {
  return number(fromInteger(value));
}

export function tuple(items: Items): Value {
  return { type: tupleOf(items.map(({ type }) => type)), data: items };
}

/** A list whose elements have its type already. */
export function list(element: Type, items: Items): Value {
  return { type: listOf(element), data: items };
}

export function object(entries: Iterable<readonly [string, Value]>): Value {
  const data = sortEntries(entries);
  return { type: objectOf(new Map([...data].map(([name, { type }]) => [name, type]))), data };
}

export function map(element: Type, entries: Iterable<readonly [string, Value]>): Value {
  return { type: mapOf(element), data: sortEntries(entries) };
}

export function isKnown(value: Value): boolean {
  return value.data !== UNKNOWN;
}

export function isNull(value: Value): boolean {
  return value.data === null;
}

/** Whether the value and all that is in it are known. */
export function isWhollyKnown(value: Value): boolean {
  if (value.data === UNKNOWN) return false;
  return childrenOf(value).every(isWhollyKnown);
}

/** Whether the value or anything in it is marked as sensitive. */
export function hasSensitive(value: Value): boolean {
  return value.sensitive === true || childrenOf(value).some(hasSensitive);
}

/** The elements of a known list, set, tuple, map or object; none of anything else. */
export function childrenOf({ data }: Value): Items {
  if (Array.isArray(data)) return data;
  return data instanceof Map ? [...data.values()] : [];
}

export function markSensitive(value: Value, isSensitive: boolean | undefined): Value {
  return isSensitive === true && value.sensitive !== true ? { ...value, sensitive: true } : value;
}

export function unmark(value: Value): Value {
  return value.sensitive === true ? { type: value.type, data: value.data } : value;
}

/** Without a mark on itself or on anything in it. */
export function unmarkDeep(value: Value): Value {
  if (!hasSensitive(value)) return value;
  const { type, data } = value;
  if (Array.isArray(data)) return { type, data: data.map(unmarkDeep) };
  if (data instanceof Map) {
    return { type, data: new Map([...data].map(([key, item]) => [key, unmarkDeep(item)])) };
  }
  return { type, data };
}

/** By code points, as Terraform orders keys and strings. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    // Halves of a surrogate pair stand for code points above all others.
    const [isHighX, isHighY] = [x >= 0xd800 && x < 0xe000, y >= 0xd800 && y < 0xe000];
    return isHighX === isHighY ? x - y : isHighX ? 1 : -1;
  }
  return a.length - b.length;
}

function sortEntries(entries: Iterable<readonly [string, Value]>): Entries {
  return new Map([...entries].sort(([a], [b]) => compareText(a, b)));
}
