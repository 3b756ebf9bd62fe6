import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compilePattern } from "./compile.ts";
import { codesOf, createMatcher, findMatches, textOfCodes } from "./find-match.ts";
import { PatternError } from "./pattern-error.ts";

const groups = (pattern: string, text: string) => {
  const codes = codesOf(text);
  const match = createMatcher(compilePattern(pattern), codes)(0);
  if (match === null) return null;
  return Array.from({ length: match.length / 2 }, (_, i) => {
    const [start, end] = [match[2 * i], match[2 * i + 1]];
    return start === undefined ? undefined : textOfCodes(codes, start, end);
  });
};

// Patterns that mean the same to Go and to JavaScript. A repetition of what may be empty does not.
const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d", "\\w", "x", "^", "$", "\\b");
const letter = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d", "\\w", "x");
const pattern = fc.letrec<{ any: string; full: string }>((tie) => ({
  full: fc.oneof(
    { maxDepth: 3 },
    letter,
    fc.tuple(letter, fc.constantFrom("+", "{1,2}", "{2}", "+?")).map((parts) => parts.join("")),
    fc.tuple(tie("full"), tie("any")).map(([a, b]) => `(${a}${b})`),
    fc.tuple(tie("full"), tie("full")).map(([a, b]) => `(?:${a}|${b})`),
  ),
  any: fc.oneof(
    { maxDepth: 3 },
    atom,
    fc.tuple(letter, fc.constantFrom("*", "?", "*?", "??", "{0,3}")).map((parts) => parts.join("")),
    tie("full"),
    fc.tuple(tie("any"), tie("any")).map((parts) => parts.join("")),
    fc.tuple(tie("any"), tie("any")).map(([a, b]) => `(${a}|${b})`),
  ),
})).any;

describe("patterns", () => {
  test("find what a backtracking engine finds", () => {
    const texts = fc.string({ unit: fc.constantFrom("a", "b", "x", "1", " ", "é"), maxLength: 12 });
    fc.assert(
      fc.property(pattern, texts, (source, text) => {
        const expected = new RegExp(source, "u").exec(text);
        expect(groups(source, text)).toEqual(expected === null ? null : [...expected]);
      }),
      { numRuns: 3000 },
    );
  });

  test("take a time that grows with pattern and text only", () => {
    const long = "a".repeat(20_000);
    for (const source of ["(a*)*b", "(a+)+$b", "(a|a)*b", "(.*)(.*)(.*)x", "(a?){50}a{50}b"]) {
      expect(groups(source, long)).toBeNull();
    }
  });

  test("match one after another, without overlapping", () => {
    const all = (source: string, text: string) => {
      const codes = codesOf(text);
      return Array.from(findMatches(compilePattern(source), codes), ([start, end]) =>
        textOfCodes(codes, start, end),
      );
    };
    expect(all("a*", "baaac")).toEqual(["", "aaa", ""]);
    expect(all("", "ab")).toEqual(["", "", ""]);
    expect(all(".", "a😀")).toEqual(["a", "😀"]);
  });

  test.each([
    ["a{1001}"],
    ["((a{100}){100}){100}"],
    ["(?:(?:(?:){999}){999}){999}"],
    ["(".repeat(300)],
    ["\\C"],
  ])("%j is refused", (source) => {
    expect(() => compilePattern(source)).toThrow(PatternError);
  });
});
