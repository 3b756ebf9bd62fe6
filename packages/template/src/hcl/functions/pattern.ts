import { compilePattern, type Program } from "../../regexp/compile.ts";
import {
  type Codes,
  codesOf,
  createMatcher,
  findMatches,
  type Match,
  textOfCodes,
} from "../../regexp/find-match.ts";
import { PatternError } from "../../regexp/pattern-error.ts";
import type { Budget } from "../evaluate/budget.ts";
import { objectOf, STRING, type Type, tupleOf } from "../values/type.ts";
import { list, nullOf, object, string, tuple, type Value } from "../values/value.ts";
import { type FunctionTable, refuse, text, textOf } from "./define.ts";

/** Functions that take a pattern of Go's syntax. */
export const PATTERN_FUNCTIONS: FunctionTable = {
  regex: {
    parameters: [text, text],
    call: ([pattern, value], { budget }) => {
      const program = compile(textOf(pattern));
      const codes = codesOf(textOf(value));
      const match = matching(() => createMatcher(program, codes, spender(budget))(0));
      if (match === null) return refuse("The pattern was not found in the text.");
      return matchValue(program, codes, match);
    },
  },
  regexall: {
    parameters: [text, text],
    call: ([pattern, value], { budget }) => {
      const program = compile(textOf(pattern));
      const codes = codesOf(textOf(value));
      const found = matching(() => {
        return Array.from(findMatches(program, codes, spender(budget)), (match) => {
          budget.spend({ size: match.length });
          return matchValue(program, codes, match);
        });
      });
      return list(matchType(program), found);
    },
  },
  replace: {
    parameters: [text, text, text],
    result: STRING,
    call: ([value, wanted, replacement], { budget }) => {
      const [whole, part, other] = [textOf(value), textOf(wanted), textOf(replacement)];
      if (part.length > 1 && part.startsWith("/") && part.endsWith("/")) {
        return string(replacePattern(whole, part.slice(1, -1), other, budget));
      }
      const pieces = part === "" ? ["", ...whole, ""] : whole.split(part);
      budget.spend({ size: pieces.length * other.length });
      return string(pieces.join(other));
    },
  },
};

function compile(pattern: string): Program {
  return matching(() => compilePattern(pattern));
}

function matching<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return refuse(`The pattern can't be used: ${error.message}`, error);
  }
}

function spender(budget: Budget): (steps: number) => void {
  return (steps) => budget.spend({ steps: steps / 8 });
}

/** A string when the pattern has no groups, a tuple of groups, or an object of named ones. */
function matchType({ groups }: Program): Type {
  if (groups.length === 0) return STRING;
  const named = groups.filter((name) => name !== "");
  if (named.length === 0) return tupleOf(groups.map(() => STRING));
  if (named.length < groups.length) return refuse("Either all groups of a pattern have names or none has.");
  return objectOf(new Map(named.toSorted().map((name) => [name, STRING])));
}

function matchValue(program: Program, codes: Codes, match: Match): Value {
  const type = matchType(program);
  if (type.kind === "string") return string(textOfCodes(codes, match[0], match[1]));
  const parts = program.groups.map((_, i) => {
    const [start, end] = [match[2 * i + 2], match[2 * i + 3]];
    return start === undefined || end === undefined ? nullOf(STRING) : string(textOfCodes(codes, start, end));
  });
  if (type.kind === "tuple") return tuple(parts);
  return object(program.groups.map((name, i) => [name, parts[i] ?? nullOf(STRING)]));
}

function replacePattern(whole: string, pattern: string, replacement: string, budget: Budget): string {
  const program = compile(pattern);
  const codes = codesOf(whole);
  const pieces = parseReplacement(replacement, program);
  return matching(() => {
    let result = "";
    let copied = 0;
    for (const match of findMatches(program, codes, spender(budget))) {
      const [start = 0, end = 0] = match;
      result += textOfCodes(codes, copied, start);
      for (const piece of pieces) {
        const added = typeof piece === "string" ? piece : groupText(codes, match, piece);
        budget.spend({ size: added.length });
        result += added;
      }
      copied = end;
    }
    return result + textOfCodes(codes, copied);
  });
}

function groupText(codes: Codes, match: Match, group: number): string {
  const [start, end] = [match[2 * group], match[2 * group + 1]];
  return start === undefined || end === undefined ? "" : textOfCodes(codes, start, end);
}

/** Texts and numbers of groups: `$1`, `${name}`, `$$` as Go's Expand has them. An unknown name stands for nothing. */
function parseReplacement(replacement: string, { groups }: Program): (string | number)[] {
  const pieces: (string | number)[] = [];
  const reference = /\$(?:(\$)|\{(\w+)\}|(\w+))/g;
  let copied = 0;
  for (const found of replacement.matchAll(reference)) {
    pieces.push(replacement.slice(copied, found.index));
    copied = found.index + found[0].length;
    const name = found[2] ?? found[3] ?? "";
    if (found[1] !== undefined) pieces.push("$");
    else if (/^\d+$/.test(name)) pieces.push(Number(name) <= groups.length ? Number(name) : "");
    else pieces.push(groups.includes(name) ? groups.indexOf(name) + 1 : "");
  }
  return [...pieces, replacement.slice(copied)];
}
