import type { CharacterSet } from "./character-set.ts";
import { type Assertion, type Pattern, parsePattern } from "./parse-pattern.ts";
import { PatternError } from "./pattern-error.ts";

/** One step of the machine that looks for matches. `split` tries its first way first. */
export type Instruction =
  | { op: "characters"; set: CharacterSet }
  | { op: "split"; first: number; second: number }
  | { op: "jump"; to: number }
  | { op: "save"; slot: number }
  | { op: "assert"; kind: Assertion }
  | { op: "match" };

export type Program = {
  instructions: readonly Instruction[];
  /** The name of each group in its order, "" for those without one. */
  groups: readonly string[];
};

const MAX_INSTRUCTIONS = 20_000;

/** Turns a pattern of Go's syntax into a program. */
export function compilePattern(text: string): Program {
  const { root, groups } = parsePattern(text);
  const instructions: Instruction[] = [];

  function emit(instruction: Instruction): number {
    if (instructions.length >= MAX_INSTRUCTIONS) throw new PatternError("The pattern repeats too much.");
    return instructions.push(instruction) - 1;
  }

  let written = 0;
  function write(pattern: Pattern): void {
    // A repetition of nothing makes no instructions, but takes its time as well.
    if ((written += 1) > MAX_INSTRUCTIONS * 4) throw new PatternError("The pattern repeats too much.");
    switch (pattern.type) {
      case "characters":
        emit({ op: "characters", set: pattern.set });
        break;
      case "assertion":
        emit({ op: "assert", kind: pattern.kind });
        break;
      case "sequence":
        pattern.parts.forEach(write);
        break;
      case "group":
        emit({ op: "save", slot: pattern.index * 2 });
        write(pattern.of);
        emit({ op: "save", slot: pattern.index * 2 + 1 });
        break;
      case "choice":
        writeChoice(pattern.parts);
        break;
      case "repeat":
        writeRepeat(pattern);
    }
  }

  function writeChoice(parts: Pattern[]): void {
    const jumps: { op: "jump"; to: number }[] = [];
    for (const part of parts.slice(0, -1)) {
      const split = { op: "split" as const, first: instructions.length + 1, second: 0 };
      emit(split);
      write(part);
      const jump = { op: "jump" as const, to: 0 };
      emit(jump);
      jumps.push(jump);
      split.second = instructions.length;
    }
    const last = parts.at(-1);
    if (last !== undefined) write(last);
    for (const jump of jumps) jump.to = instructions.length;
  }

  function writeRepeat({ of, min, max, isGreedy }: Extract<Pattern, { type: "repeat" }>): void {
    for (let i = 0; i < min; i += 1) write(of);
    const optional = max === Number.POSITIVE_INFINITY ? 1 : max - min;
    const splits: { split: { op: "split"; first: number; second: number }; inside: number }[] = [];
    for (let i = 0; i < optional; i += 1) {
      const split = { op: "split" as const, first: 0, second: 0 };
      const start = emit(split);
      splits.push({ split, inside: start + 1 });
      write(of);
      if (max === Number.POSITIVE_INFINITY) emit({ op: "jump", to: start });
    }
    const end = instructions.length;
    for (const { split, inside } of splits) {
      split.first = isGreedy ? inside : end;
      split.second = isGreedy ? end : inside;
    }
  }

  write(root);
  emit({ op: "match" });
  return { instructions, groups };
}
