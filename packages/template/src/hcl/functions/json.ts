import { EvaluationError } from "../evaluate/errors.ts";
import { NumberRangeError, parseNumber } from "../values/decimal.ts";
import { numberText } from "../values/format-number.ts";
import {
  bool,
  childrenOf,
  NULL,
  number,
  object,
  string,
  tuple,
  UNKNOWN,
  type Value,
} from "../values/value.ts";

/** JSON as Go writes it: keys in order, <, > and & escaped. */
export function jsonText(value: Value): string {
  const { data } = value;
  if (data === UNKNOWN) throw new EvaluationError("What is unknown can't be written as JSON.");
  if (data === null) return "null";
  if (typeof data === "string") return quoted(data);
  if (typeof data === "boolean") return String(data);
  if (data instanceof Map) {
    return `{${[...data].map(([key, item]) => `${quoted(key)}:${jsonText(item)}`).join(",")}}`;
  }
  if ("mantissa" in data) return numberText(data);
  return `[${childrenOf(value).map(jsonText).join(",")}]`;
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const MAX_DEPTH = 200;
const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\x00-\x1F]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

/** Reads JSON; numbers keep all their digits, and objects the last of two values with one key. */
export function parseJson(text: string): Value {
  let at = 0;

  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) return null;
    at += found[0].length;
    return found[0];
  };
  const fail = (): never => {
    throw new EvaluationError(`The JSON is invalid at character ${at + 1}.`);
  };
  const take = (token: string): boolean => {
    match(SPACE);
    if (text[at] !== token) return false;
    at += 1;
    return true;
  };
  const readText = (): string => {
    const written = match(STRING) ?? fail();
    const parsed: unknown = JSON.parse(written);
    return typeof parsed === "string" ? parsed : fail();
  };

  function readValue(depth: number): Value {
    if (depth > MAX_DEPTH) throw new EvaluationError(`JSON may be nested ${MAX_DEPTH} deep at most.`);
    match(SPACE);
    switch (text[at]) {
      case "{":
        return readObject(depth);
      case "[":
        return readArray(depth);
      case '"':
        return string(readText());
    }
    const word = match(WORD);
    if (word !== null) return word === "null" ? NULL : bool(word === "true");
    return readNumber(match(NUMBER) ?? fail());
  }

  function readObject(depth: number): Value {
    at += 1;
    const entries = new Map<string, Value>();
    if (take("}")) return object(entries);
    do {
      match(SPACE);
      const key = readText().normalize("NFC");
      if (!take(":")) fail();
      entries.set(key, readValue(depth + 1));
    } while (take(","));
    return take("}") ? object(entries) : fail();
  }

  function readArray(depth: number): Value {
    at += 1;
    const items: Value[] = [];
    if (take("]")) return tuple(items);
    do items.push(readValue(depth + 1));
    while (take(","));
    return take("]") ? tuple(items) : fail();
  }

  const value = readValue(0);
  match(SPACE);
  return at === text.length ? value : fail();
}

function readNumber(digits: string): Value {
  try {
    const parsed = parseNumber(digits);
    if (parsed !== null) return number(parsed);
  } catch (error) {
    if (!(error instanceof NumberRangeError)) throw error;
  }
  throw new EvaluationError(`The number ${digits.slice(0, 40)} can't be read.`);
}
