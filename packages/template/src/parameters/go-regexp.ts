import { createContext, Script } from "node:vm";

const MAX_PATTERN_LENGTH = 4096;
const MAX_TEXT_LENGTH = 64 * 1024;

/** A pattern that JavaScript can't express, or that took longer than a bound allows. */
export class PatternError extends Error {}

/**
 * Whether a Go pattern (RE2 syntax, unanchored) is found in a text. JavaScript's engine backtracks where
 * RE2 does not, so the search runs under a time limit and a pattern that exceeds it is refused.
 */
export function matchesGoPattern(pattern: string, text: string, timeoutMs = 250): boolean {
  if (pattern.length > MAX_PATTERN_LENGTH)
    throw new PatternError("The pattern is longer than 4096 characters.");
  if (text.length > MAX_TEXT_LENGTH) throw new PatternError("The value is longer than 65536 characters.");
  const { source, flags } = translate(pattern);
  const context = createContext({ source, flags, text });
  try {
    return (
      new Script("new RegExp(source, flags).test(text)").runInContext(context, { timeout: timeoutMs }) ===
      true
    );
  } catch (error) {
    const reason = error instanceof Error || isErrorLike(error) ? error.message : String(error);
    throw new PatternError(reason, { cause: error });
  }
}

// Errors of another context are no instances of our Error.
function isErrorLike(error: unknown): error is { message: string } {
  return (
    typeof error === "object" && error !== null && "message" in error && typeof error.message === "string"
  );
}

const POSIX_CLASSES: Record<string, string> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7F",
  blank: "\\t ",
  cntrl: "\\x00-\\x1F\\x7F",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`\\{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

/** Rewrites what Go spells differently; the `u` flag makes the engine refuse what neither knows. */
function translate(pattern: string): { source: string; flags: string } {
  const leading = /^\(\?([ims]+)\)/.exec(pattern);
  const flags = `u${leading?.[1] === undefined ? "" : [...new Set(leading[1])].join("")}`;
  let rest = leading === null ? pattern : pattern.slice(leading[0].length);
  let source = "";
  let inClass = false;
  while (rest !== "") {
    const [taken, written] = inClass ? translateInClass(rest) : translateOutside(rest);
    if (!inClass && taken.startsWith("[")) inClass = true;
    else if (inClass && taken === "]") inClass = false;
    source += written;
    rest = rest.slice(taken.length);
  }
  return { source, flags };
}

function translateOutside(rest: string): [taken: string, written: string] {
  if (rest.startsWith("\\Q")) {
    const end = rest.indexOf("\\E");
    const text = rest.slice(2, end === -1 ? undefined : end);
    return [rest.slice(0, end === -1 ? undefined : end + 2), text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")];
  }
  // JavaScript reads an empty class where Go reads a literal "]" at the start.
  const open = /^\[(\^?)(\]?)/.exec(rest);
  if (open !== null) return [open[0], `[${open[1]}${open[2] === "]" ? "\\]" : ""}`];
  if (rest.startsWith("(?P<")) return ["(?P<", "(?<"];
  if (/^\(\?[=!]|^\(\?<[=!]/.test(rest))
    throw new PatternError("Go patterns know no look-ahead and no look-behind.");
  const quantifier = /^\{(\d*)(,?)(\d*)\}/.exec(rest);
  if (rest.startsWith("{") && (quantifier === null || quantifier[1] === "")) return ["{", "\\{"];
  if (quantifier !== null) return [quantifier[0], quantifier[0]];
  if (rest.startsWith("}") || rest.startsWith("]")) return [rest[0] ?? "", `\\${rest[0]}`];
  return translateEscape(rest);
}

function translateInClass(rest: string): [taken: string, written: string] {
  const posix = /^\[:(\^?)(\w+):\]/.exec(rest);
  if (posix !== null) {
    const members = POSIX_CLASSES[posix[2] ?? ""];
    if (members === undefined || posix[1] === "^")
      throw new PatternError(`The class ${posix[0]} can't be used.`);
    return [posix[0], members];
  }
  if (rest.startsWith("[")) return ["[", "\\["];
  return translateEscape(rest);
}

function translateEscape(rest: string): [taken: string, written: string] {
  const found = /^\\(?:x\{([0-9a-fA-F]+)\}|[pP](?:\{\^?(\w+)\}|(\w))|[\s\S])/.exec(rest);
  if (found === null) {
    const char = String.fromCodePoint(rest.codePointAt(0) ?? 0);
    return [char, char === "/" ? "\\/" : char];
  }
  const taken = found[0];
  if (found[1] !== undefined) return [taken, `\\u{${found[1]}}`];
  const property = found[2] ?? found[3];
  if (property !== undefined) {
    const negated = taken.startsWith("\\P") !== taken.includes("{^");
    const name = property.length <= 2 ? property : `Script=${property}`;
    return [taken, `\\${negated ? "P" : "p"}{${name}}`];
  }
  const char = taken[1] ?? "";
  if (char === "A") return [taken, "(?<![\\s\\S])"];
  if (char === "z") return [taken, "(?![\\s\\S])"];
  if (char === "a") return [taken, "\\x07"];
  if (/[1-9]/.test(char)) throw new PatternError("Go patterns know no back-references.");
  // Go lets any punctuation be escaped; JavaScript with `u` only what has a meaning.
  if (/[!-/:-@[-`{-~]/.test(char) && !/[\^$\\.*+?()[\]{}|/-]/.test(char)) return [taken, char];
  if (char === "-") return [taken, "\\x2D"];
  return [taken, taken];
}
