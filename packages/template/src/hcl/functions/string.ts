import { BOOL, listOf, STRING } from "../values/type.ts";
import { bool, integer, isNull, list, string, type Value } from "../values/value.ts";
import { type FunctionTable, itemsOf, numeric, refuse, text, textOf, wholeOf } from "./define.ts";
import { graphemesOf } from "./graphemes.ts";

const texts = { type: listOf(STRING) };

export const STRING_FUNCTIONS: FunctionTable = {
  chomp: onText((value) => value.replace(/(?:\r\n?|\n)*$/, "")),
  lower: onText((value) => mapCharacters(value, (char) => char.toLowerCase())),
  upper: onText((value) => mapCharacters(value, (char) => char.toUpperCase())),
  title: onText(titleCase),
  trimspace: onText((value) =>
    value.replace(/^[\s\x85]+|[\s\x85]+$/g, (space) => space.replaceAll(/[^\uFEFF]/g, "")),
  ),
  strrev: onText((value) => graphemesOf(value).reverse().join("")),
  trim: onTexts((value, characters) => {
    const cut = new Set(characters);
    const chars = [...value];
    const start = chars.findIndex((char) => !cut.has(char));
    if (start === -1) return "";
    return chars.slice(start, chars.findLastIndex((char) => !cut.has(char)) + 1).join("");
  }),
  trimprefix: onTexts((value, prefix) => (value.startsWith(prefix) ? value.slice(prefix.length) : value)),
  trimsuffix: onTexts((value, suffix) => {
    return suffix !== "" && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value;
  }),
  startswith: test((value, prefix) => value.startsWith(prefix)),
  endswith: test((value, suffix) => value.endsWith(suffix)),
  strcontains: test((value, part) => value.includes(part)),
  substr: {
    parameters: [text, numeric, numeric],
    result: STRING,
    call: ([value, offset, length]) => {
      return string(substring(textOf(value), wholeOf(offset, "offset"), wholeOf(length, "length")));
    },
  },
  indent: {
    parameters: [numeric, text],
    result: STRING,
    call: ([spaces, value], { budget }) => {
      const count = wholeOf(spaces, "number of spaces");
      if (count < 0) return refuse("The number of spaces can't be negative.");
      const lines = textOf(value).split("\n");
      budget.spend({ size: count * lines.length });
      return string(lines.join(`\n${" ".repeat(count)}`));
    },
  },
  join: {
    parameters: [text],
    rest: texts,
    result: STRING,
    call: ([separator, ...lists], { budget }) => {
      if (lists.length === 0) return refuse("join needs at least one list.");
      const parts = lists.flatMap((each) => itemsOf(each).map(partOf));
      budget.spend({ size: textOf(separator).length * parts.length });
      return string(parts.join(textOf(separator)));
    },
  },
  split: {
    parameters: [text, text],
    result: listOf(STRING),
    call: ([separator, value]) => {
      const at = textOf(separator);
      // Go cuts between code points where JavaScript cuts between halves of them.
      const parts = at === "" ? [...textOf(value)] : textOf(value).split(at);
      return list(STRING, parts.map(string));
    },
  },
  sort: {
    parameters: [texts],
    result: listOf(STRING),
    call: ([value]) => {
      const parts = itemsOf(value).map(partOf);
      return list(STRING, parts.sort(compareBytes).map(string));
    },
  },
};

function onText(change: (value: string) => string) {
  return {
    parameters: [text],
    result: STRING,
    call: ([value]: readonly Value[]) => string(change(textOf(value))),
  };
}

function onTexts(change: (value: string, other: string) => string) {
  return {
    parameters: [text, text],
    result: STRING,
    call: ([value, other]: readonly Value[]) => string(change(textOf(value), textOf(other))),
  };
}

function test(judge: (value: string, part: string) => boolean) {
  return {
    parameters: [text, text],
    result: BOOL,
    call: ([value, part]: readonly Value[]) => bool(judge(textOf(value), textOf(part))),
  };
}

function partOf(value: Value): string {
  return isNull(value) ? refuse("The list may hold no null.") : textOf(value);
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Go changes the case of single characters: what would become several, such as ß, stays. */
function mapCharacters(value: string, change: (char: string) => string): string {
  if (/^[\x00-\x7F]*$/.test(value)) return change(value);
  return Array.from(value, (char) => {
    const changed = change(char);
    return [...changed].length === 1 ? changed : char;
  }).join("");
}

/** Each word begins with a capital; words are divided by everything but letters, digits, _ and '. */
function titleCase(value: string): string {
  let startsWord = true;
  return Array.from(value, (char) => {
    const isWord = /[\p{L}\p{Nd}_]/u.test(char) || (char < "\x80" ? false : !/\s/u.test(char));
    const written = startsWord && isWord ? mapCharacters(char, (letter) => letter.toUpperCase()) : char;
    startsWord = char < "\x80" ? !/[A-Za-z0-9_]/.test(char) : /\s/u.test(char);
    return written;
  }).join("");
}

/** By characters as people see them; a negative offset counts from the end, a length of -1 is the rest. */
function substring(value: string, offset: number, length: number): string {
  const characters = graphemesOf(value);
  const start = offset < 0 ? Math.max(0, characters.length + offset) : offset;
  if (length < -1) return refuse("The length can't be below -1.");
  return characters.slice(start, length === -1 ? undefined : start + length).join("");
}

export function textLength(value: string): Value {
  return integer(graphemesOf(value).length);
}
