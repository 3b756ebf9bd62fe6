import { compilePattern } from "../regexp/compile.ts";
import { codesOf, createMatcher } from "../regexp/find-match.ts";
import { PatternError } from "../regexp/pattern-error.ts";

const MAX_TEXT_LENGTH = 64 * 1024;

/** Whether a pattern of Go's syntax (RE2, unanchored) is found in a text, in time that no pattern can stretch. */
export function matchesGoPattern(pattern: string, text: string): boolean {
  if (text.length > MAX_TEXT_LENGTH) throw new PatternError("The value is longer than 65536 characters.");
  return createMatcher(compilePattern(pattern), codesOf(text))(0) !== null;
}

export { PatternError };
