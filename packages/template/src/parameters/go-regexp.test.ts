import { expect, test } from "vitest";
import { matchesGoPattern, PatternError } from "./go-regexp.ts";

// Each row was run through Go's regexp.MatchString.
const rows: [pattern: string, text: string, found: boolean][] = [
  ["b", "abc", true],
  ["^b", "abc", false],
  ["(?i)ABC", "xabcx", true],
  ["(?i)^straße$", "STRAßE", true],
  ["(?s)a.b", "a\nb", true],
  ["a.b", "a\nb", false],
  ["(?m)^b$", "a\nb\nc", true],
  ["^b$", "a\nb\nc", false],
  ["\\Aab\\z", "ab", true],
  ["\\Aab\\z", "ab\n", false],
  ["^[[:alpha:]]+$", "abc", true],
  ["^[[:alpha:][:digit:]_]+$", "abc_1", true],
  ["^[[:alpha:]]+$", "ab1", false],
  ["^\\Qa.b\\E$", "a.b", true],
  ["^\\Qa.b\\E$", "axb", false],
  ["(?P<year>[0-9]{4})", "in 2030", true],
  ["^\\pL+$", "größe", true],
  ["^\\p{Greek}+$", "αβγ", true],
  ["^\\p{^Greek}+$", "abc", true],
  ["^\\PL+$", "123", true],
  ["^\\x{1F600}$", "😀", true],
  ["^.$", "😀", true],
  ["^[]a]+$", "]a", true],
  ["^[^]a]+$", "b", true],
  ["a{,2}", "a{,2}", true],
  ["a{", "a{", true],
  ["]", "]", true],
  ["\\_\\-\\#\\@\\!", "_-#@!", true],
  ["^(?:[a-z]+-?)*[a-z]$", "my-name", true],
  ["^(?i:abc)d$", "ABCd", true],
  ["a/b", "a/b", true],
  ["^[\\w.-]+$", "a.b-c_d", true],
  ["", "", true],
];
test.each(rows)("%j on %j: %s", (pattern, text, found) => {
  expect(matchesGoPattern(pattern, text)).toBe(found);
});

test.each([["(?=a)"], ["(?<!a)b"], ["(a)\\1"], ["["], ["(a"], ["a**"]])(
  "%j is refused, as Go refuses it",
  (pattern) => {
    expect(() => matchesGoPattern(pattern, "aa")).toThrow(PatternError);
  },
);
