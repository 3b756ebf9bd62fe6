import { isWordCharacter, NEWLINE } from "./character-set.ts";
import type { Program } from "./compile.ts";
import type { Assertion } from "./parse-pattern.ts";
import { PatternError } from "./pattern-error.ts";

/** A text as code points, so that positions count characters. */
export type Codes = readonly number[];

/** Positions of the whole match and of each group, start and end by turns; undefined where a group took no part. */
export type Match = (number | undefined)[];

const MAX_STATES = 64 * 1024 * 1024;

export function codesOf(text: string): Codes {
  return Array.from(text, (char) => char.codePointAt(0) ?? 0);
}

export function textOfCodes(codes: Codes, start?: number, end?: number): string {
  let text = "";
  for (const code of codes.slice(start, end)) text += String.fromCodePoint(code);
  return text;
}

/**
 * Finds the first match from a position on, the one that Go's engine prefers. Every step of the program is tried at
 * every place once only, so that no pattern takes more time than its length times the text's.
 */
export function createMatcher(
  program: Program,
  codes: Codes,
  spend: (steps: number) => void = () => {},
): (from: number) => Match | null {
  const { instructions } = program;
  const states = instructions.length * (codes.length + 1);
  if (states > MAX_STATES) throw new PatternError("The text is too long for this pattern.");

  const visited = new Uint8Array(Math.ceil(states / 8));
  // To forget in as many steps as it took to learn.
  let touched: number[] = [];

  return function find(from) {
    for (const index of touched) visited[index] = 0;
    touched = [];
    for (let start = from; start <= codes.length; start += 1) {
      const match = run(start);
      if (match !== null) return match;
    }
    return null;
  };

  function run(start: number): Match | null {
    const slots: Match = new Array(program.groups.length * 2 + 2).fill(undefined);
    slots[0] = start;
    // What is still to be tried, and what to put back into a slot before it is.
    const stack: ({ pc: number; at: number } | { slot: number; was: number | undefined })[] = [
      { pc: 0, at: start },
    ];
    for (let job = stack.pop(); job !== undefined; job = stack.pop()) {
      if ("slot" in job) {
        slots[job.slot] = job.was;
        continue;
      }
      let { pc, at } = job;
      spend(1);
      for (;;) {
        const state = pc * (codes.length + 1) + at;
        const bit = 1 << (state & 7);
        const before = visited[state >> 3] ?? 0;
        if ((before & bit) !== 0) break;
        if (before === 0) touched.push(state >> 3);
        visited[state >> 3] = before | bit;
        const instruction = instructions[pc];
        if (instruction === undefined) break;
        if (instruction.op === "match") {
          slots[1] = at;
          return slots;
        }
        if (instruction.op === "characters") {
          const code = codes[at];
          if (code === undefined || !instruction.set(code)) break;
          at += 1;
          pc += 1;
          if ((at & 255) === 0) spend(256);
        } else if (instruction.op === "split") {
          stack.push({ pc: instruction.second, at });
          pc = instruction.first;
        } else if (instruction.op === "jump") pc = instruction.to;
        else if (instruction.op === "save") {
          stack.push({ slot: instruction.slot, was: slots[instruction.slot] });
          slots[instruction.slot] = at;
          pc += 1;
        } else {
          if (!holds(instruction.kind, codes, at)) break;
          pc += 1;
        }
      }
    }
    return null;
  }
}

function holds(kind: Assertion, codes: Codes, at: number): boolean {
  switch (kind) {
    case "textStart":
      return at === 0;
    case "textEnd":
      return at === codes.length;
    case "lineStart":
      return at === 0 || codes[at - 1] === NEWLINE;
    case "lineEnd":
      return at === codes.length || codes[at] === NEWLINE;
    case "wordBoundary":
    case "noWordBoundary": {
      const before = isWordCharacter(codes[at - 1] ?? -1);
      return (before !== isWordCharacter(codes[at] ?? -1)) === (kind === "wordBoundary");
    }
  }
}

/** All matches that don't overlap; an empty one right behind another doesn't count. */
export function* findMatches(
  program: Program,
  codes: Codes,
  spend?: (steps: number) => void,
): Generator<Match> {
  const find = createMatcher(program, codes, spend);
  let last = -1;
  for (let from = 0; from <= codes.length; ) {
    const match = find(from);
    if (match === null) return;
    const [start = 0, end = 0] = match;
    if (end > start || start !== last) yield match;
    last = end;
    from = end > from ? end : from + 1;
  }
}
