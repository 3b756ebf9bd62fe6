import { PatternError } from "./pattern-error.ts";

/** Whether a code point belongs to a set. */
export type CharacterSet = (code: number) => boolean;

export const NEWLINE = 10;

export function range(low: number, high: number): CharacterSet {
  return (code) => code >= low && code <= high;
}

export function union(sets: readonly CharacterSet[]): CharacterSet {
  const [only] = sets;
  if (sets.length === 1 && only !== undefined) return only;
  return (code) => sets.some((set) => set(code));
}

export function negated(set: CharacterSet): CharacterSet {
  return (code) => !set(code);
}

/** Also what differs only in its case, by Unicode's simple rules. */
export function foldingCase(set: CharacterSet): CharacterSet {
  return (code) => set(code) || caseVariants(code).some(set);
}

function caseVariants(code: number): number[] {
  const char = String.fromCodePoint(code);
  const [lower, upper] = [char.toLowerCase(), char.toUpperCase()];
  const variants = [lower, upper, lower.toUpperCase(), upper.toLowerCase()];
  // Two letters have a third form, which neither capital nor small letter leads to.
  if (lower === "k") variants.push("\u212A");
  if (lower === "s" || char === "\u017F") variants.push("\u017F", "s");
  return variants.flatMap((text) => {
    const point = text.codePointAt(0) ?? 0;
    return text.length === String.fromCodePoint(point).length ? [point] : [];
  });
}

const digits = range(48, 57);
const lowers = range(97, 122);
const uppers = range(65, 90);
const letters = union([lowers, uppers]);
const wordCharacters = union([digits, letters, range(95, 95)]);
const spaces = union([range(9, 10), range(12, 13), range(32, 32)]);

/** `\d`, `\s`, `\w` and their opposites; like Go, of ASCII only. */
export const PERL_CLASSES: Readonly<Record<string, CharacterSet>> = {
  d: digits,
  D: negated(digits),
  s: spaces,
  S: negated(spaces),
  w: wordCharacters,
  W: negated(wordCharacters),
};

export const isWordCharacter: CharacterSet = wordCharacters;

/** `[:alpha:]` and so on. */
export const POSIX_CLASSES: Readonly<Record<string, CharacterSet>> = {
  alnum: union([digits, letters]),
  alpha: letters,
  ascii: range(0, 127),
  blank: union([range(9, 9), range(32, 32)]),
  cntrl: union([range(0, 31), range(127, 127)]),
  digit: digits,
  graph: range(33, 126),
  lower: lowers,
  print: range(32, 126),
  punct: union([range(33, 47), range(58, 64), range(91, 96), range(123, 126)]),
  space: union([range(9, 13), range(32, 32)]),
  upper: uppers,
  word: wordCharacters,
  xdigit: union([digits, range(65, 70), range(97, 102)]),
};

/** `\p{Greek}`, `\pL`: a script or a general category of Unicode. */
export function unicodeClass(name: string): CharacterSet {
  if (name === "Any") return () => true;
  const property = /^[A-Z][a-z]?$/.test(name) ? name : `Script=${name}`;
  try {
    const pattern = new RegExp(`\\p{${property}}`, "u");
    return (code) => pattern.test(String.fromCodePoint(code));
  } catch (error) {
    throw new PatternError(`Unicode has no class ${name}.`, { cause: error });
  }
}
