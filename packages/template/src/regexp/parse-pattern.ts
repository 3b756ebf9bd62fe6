import {
  type CharacterSet,
  foldingCase,
  NEWLINE,
  negated,
  PERL_CLASSES,
  POSIX_CLASSES,
  range,
  unicodeClass,
  union,
} from "./character-set.ts";
import { PatternError } from "./pattern-error.ts";

/** A pattern of Go's syntax (RE2), as a tree. */
export type Pattern =
  | { type: "characters"; set: CharacterSet }
  | { type: "sequence" | "choice"; parts: Pattern[] }
  | { type: "repeat"; of: Pattern; min: number; max: number; isGreedy: boolean }
  | { type: "group"; of: Pattern; index: number }
  | { type: "assertion"; kind: Assertion };

export type Assertion = "lineStart" | "lineEnd" | "textStart" | "textEnd" | "wordBoundary" | "noWordBoundary";

export type ParsedPattern = {
  root: Pattern;
  /** The name of each group in its order, "" for those without one. */
  groups: string[];
};

type Flags = { i: boolean; m: boolean; s: boolean; U: boolean };

const MAX_LENGTH = 4096;
const MAX_DEPTH = 200;
const MAX_REPEAT = 1000;
const ESCAPED: Record<string, number> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

/** Parses a pattern, or says why Go would not take it. */
export function parsePattern(text: string): ParsedPattern {
  if (text.length > MAX_LENGTH)
    throw new PatternError(`The pattern is longer than ${MAX_LENGTH} characters.`);
  const chars = [...text];
  let at = 0;
  let depth = 0;
  let flags: Flags = { i: false, m: false, s: false, U: false };
  const groups: string[] = [];

  const fail = (message: string): never => {
    throw new PatternError(message);
  };
  const sees = (token: string) => chars.slice(at, at + token.length).join("") === token;
  const take = (token: string) => {
    if (!sees(token)) return false;
    at += token.length;
    return true;
  };
  const literal = (code: number): Pattern => {
    const set = range(code, code);
    return { type: "characters", set: flags.i ? foldingCase(set) : set };
  };
  const characters = (set: CharacterSet): Pattern => ({
    type: "characters",
    set: flags.i ? foldingCase(set) : set,
  });

  function readChoice(): Pattern {
    depth += 1;
    if (depth > MAX_DEPTH) fail(`Groups may be nested ${MAX_DEPTH} deep at most.`);
    const parts = [readSequence()];
    while (take("|")) parts.push(readSequence());
    depth -= 1;
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { type: "choice", parts };
  }

  function readSequence(): Pattern {
    const parts: Pattern[] = [];
    while (at < chars.length && !sees("|") && !sees(")")) {
      const part = readAtom();
      if (part !== null) parts.push(readRepeats(part));
    }
    return { type: "sequence", parts };
  }

  function readRepeats(of: Pattern): Pattern {
    const first = readCount();
    if (first === null) return of;
    const isLazy = take("?");
    if (readCount() !== null) fail("Two repetitions follow one another.");
    const result: Pattern = { type: "repeat", of, ...first, isGreedy: isLazy === flags.U };
    return result;
  }

  function readCount(): { min: number; max: number } | null {
    if (take("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (take("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (take("?")) return { min: 0, max: 1 };
    const found = /^\{(\d+)(?:(,)(\d*))?\}/.exec(chars.slice(at, at + 20).join(""));
    if (found === null) return null;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === "" ? Number.POSITIVE_INFINITY : Number(found[3]);
    const largest = max === Number.POSITIVE_INFINITY ? min : max;
    if (min > max || largest > MAX_REPEAT) fail(`The repetition ${found[0]} is not possible.`);
    at += found[0].length;
    return { min, max };
  }

  function readAtom(): Pattern | null {
    const char = chars[at] ?? "";
    switch (char) {
      case "(":
        at += 1;
        return readGroup();
      case "[":
        at += 1;
        return readClass();
      case ".":
        at += 1;
        return { type: "characters", set: flags.s ? () => true : (code) => code !== NEWLINE };
      case "^":
        at += 1;
        return { type: "assertion", kind: flags.m ? "lineStart" : "textStart" };
      case "$":
        at += 1;
        return { type: "assertion", kind: flags.m ? "lineEnd" : "textEnd" };
      case "*":
      case "+":
      case "?":
        return fail(`Nothing stands before ${char}.`);
      case "\\":
        return readEscape();
    }
    if (readCount() !== null) return fail("Nothing stands before the repetition.");
    at += 1;
    return literal(char.codePointAt(0) ?? 0);
  }

  function readGroup(): Pattern | null {
    let name = "";
    const outer = flags;
    let isCapturing = true;
    if (take("?")) {
      const named = /^P?<([^>]*)>/.exec(chars.slice(at).join(""));
      if (named !== null) {
        name = named[1] ?? "";
        if (!/^\w+$/.test(name)) fail(`${JSON.stringify(name)} can't be the name of a group.`);
        if (groups.includes(name)) fail(`Two groups have the name ${name}.`);
        at += [...named[0]].length;
      } else {
        isCapturing = false;
        flags = readFlags();
        // Without a colon the flags hold for the rest of the group around.
        if (take(")")) return null;
        if (!take(":")) fail("Go's patterns know no such group. They have no look-ahead and no look-behind.");
      }
    }
    const index = isCapturing ? groups.push(name) : 0;
    const of = readChoice();
    if (!take(")")) fail("A parenthesis is not closed.");
    flags = outer;
    return isCapturing ? { type: "group", of, index } : of;
  }

  function readFlags(): Flags {
    const next = { ...flags };
    let isOn = true;
    for (;;) {
      const char = chars[at] ?? "";
      if (char === "-" && isOn) isOn = false;
      else if (char === "i" || char === "m" || char === "s" || char === "U") next[char] = isOn;
      else return next;
      at += 1;
    }
  }

  function readEscape(): Pattern {
    const char = chars[at + 1] ?? fail("A backslash ends the pattern.");
    if (char === "Q") {
      at += 2;
      const rest = chars.slice(at).join("");
      const end = rest.indexOf("\\E");
      const quoted = [...(end === -1 ? rest : rest.slice(0, end))];
      at += quoted.length + (end === -1 ? 0 : 2);
      // A repetition behind it is about the last character.
      const parts = quoted.map((each) => literal(each.codePointAt(0) ?? 0));
      const last = parts.pop();
      if (last !== undefined) parts.push(readRepeats(last));
      return { type: "sequence", parts };
    }
    const assertions: Record<string, Assertion> = {
      A: "textStart",
      z: "textEnd",
      b: "wordBoundary",
      B: "noWordBoundary",
    };
    const kind = assertions[char];
    if (kind !== undefined) {
      at += 2;
      return { type: "assertion", kind };
    }
    return characters(readEscapedSet() ?? range(...readEscapedCode()));
  }

  /** `\d`, `\pL` and so on; null when the escape is of one character. */
  function readEscapedSet(): CharacterSet | null {
    const char = chars[at + 1] ?? "";
    const perl = PERL_CLASSES[char];
    if (perl !== undefined) {
      at += 2;
      return perl;
    }
    const found = /^\\([pP])(?:\{(\^?)(\w+)\}|(\w))/.exec(chars.slice(at, at + 60).join(""));
    if (found === null) return null;
    at += found[0].length;
    const set = unicodeClass(found[3] ?? found[4] ?? "");
    return (found[1] === "P") !== (found[2] === "^") ? negated(set) : set;
  }

  function readEscapedCode(): [number, number] {
    const rest = chars.slice(at, at + 16).join("");
    const found =
      /^\\(?:x\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|([1-7][0-7]{1,2}|0[0-7]{0,2})|([^A-Za-z0-9])|([aftnrv]))/su.exec(
        rest,
      );
    if (found === null) return fail(`Go's patterns know no ${rest.slice(0, 2)}.`);
    at += [...found[0]].length;
    const hexadecimal = found[1] ?? found[2];
    const code =
      hexadecimal !== undefined
        ? Number.parseInt(hexadecimal, 16)
        : found[3] !== undefined
          ? Number.parseInt(found[3], 8)
          : (ESCAPED[found[5] ?? ""] ?? found[4]?.codePointAt(0) ?? 0);
    if (code > 0x10ffff) return fail("There is no such character.");
    return [code, code];
  }

  function readClass(): Pattern {
    const isNegated = take("^");
    const sets: CharacterSet[] = [];
    let isFirst = true;
    while (isFirst || !sees("]")) {
      if (at >= chars.length) fail("A bracket is not closed.");
      isFirst = false;
      const posix = /^\[:(\^?)(\w+):\]/.exec(chars.slice(at, at + 16).join(""));
      if (posix !== null) {
        at += posix[0].length;
        const set = POSIX_CLASSES[posix[2] ?? ""] ?? fail(`There is no class ${posix[0]}.`);
        sets.push(posix[1] === "^" ? negated(set) : set);
        continue;
      }
      const set = sees("\\") ? readEscapedSet() : null;
      if (set !== null) {
        sets.push(set);
        continue;
      }
      const low = readClassCode();
      if (sees("-") && chars[at + 1] !== "]" && chars[at + 1] !== undefined) {
        at += 1;
        const high = readClassCode();
        if (high < low) fail("A range of characters begins behind its end.");
        sets.push(range(low, high));
      } else sets.push(range(low, low));
    }
    at += 1;
    const all = flags.i ? foldingCase(union(sets)) : union(sets);
    return { type: "characters", set: isNegated ? negated(all) : all };
  }

  function readClassCode(): number {
    if (sees("\\")) return readEscapedCode()[0];
    const char = chars[at] ?? fail("A bracket is not closed.");
    at += 1;
    return char.codePointAt(0) ?? 0;
  }

  const root = readChoice();
  if (at < chars.length) fail("A parenthesis is closed that was not opened.");
  return { root, groups };
}
