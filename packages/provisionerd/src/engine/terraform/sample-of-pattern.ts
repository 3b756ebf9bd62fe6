import { matchesGoPattern, PatternError } from "@slipway/template";

/** Repetitions beyond this make no sample that anybody waits for. */
const maxRepeat = 1024;

/**
 * A short text that a regular expression of Go matches. `null` for what is not understood here, or matches nothing
 * that is this simple; every answer is held against the expression itself.
 *
 * @example
 * sampleOfPattern("^[a-z]{2,4}-\\d+$") // "aa-0"
 */
export function sampleOfPattern(pattern: string): string | null {
  try {
    const sample = createReader(pattern).all();
    return matchesGoPattern(pattern, sample) ? sample : null;
  } catch (error) {
    if (error instanceof NotUnderstood || error instanceof PatternError) return null;
    throw error;
  }
}

class NotUnderstood extends Error {}

const classSamples: Record<string, string> = { d: "0", w: "a", s: " ", D: "a", W: "-", S: "a" };
const controls: Record<string, string> = { n: "\n", t: "\t", r: "\r", f: "\f", v: "\v" };
const namedSamples: Record<string, string> = {
  alpha: "a",
  alnum: "a",
  lower: "a",
  upper: "A",
  digit: "0",
  word: "a",
  xdigit: "a",
  punct: "-",
  space: " ",
};
/** Tried in this order where a class says only what may not be. */
const candidates = "a0A-_ .@/";

function createReader(pattern: string) {
  let at = 0;
  const isAt = (text: string) => pattern.startsWith(text, at);
  const take = (text: string) => isAt(text) && (at += text.length) > 0;

  /** The first of the alternatives; the others are read over. */
  function alternatives(): string {
    const first = sequence();
    while (take("|")) sequence();
    return first;
  }

  function sequence(): string {
    let text = "";
    while (at < pattern.length && !isAt("|") && !isAt(")")) text += repeated(atom());
    return text;
  }

  function repeated(one: string): string {
    let count = 1;
    if (take("*") || take("?")) count = 0;
    else if (!take("+")) {
      const [range, least] = /^\{(\d+)(?:,\d*)?\}/.exec(pattern.slice(at)) ?? [];
      if (range === undefined) return one;
      at += range.length;
      count = Number(least);
    }
    take("?");
    if (count > maxRepeat) throw new NotUnderstood();
    return one.repeat(count);
  }

  function atom(): string {
    const char = pattern[at++] ?? "";
    if (char === "^" || char === "$") return "";
    if (char === ".") return "a";
    if (char === "[") return oneOfClass();
    if (char === "\\") return escaped();
    if (char !== "(") return char;
    if (take("?")) {
      const [head] = /^(?:P?<\w+>|[imsU-]*[:)])/.exec(pattern.slice(at)) ?? [];
      if (head === undefined) throw new NotUnderstood();
      at += head.length;
      // Flags alone hold for what follows; the check at the end sees whether they changed anything.
      if (head.endsWith(")")) return "";
    }
    const inner = alternatives();
    if (!take(")")) throw new NotUnderstood();
    return inner;
  }

  function escaped(): string {
    const char = pattern[at++] ?? "";
    if ("AzbB".includes(char)) return "";
    const sample = classSamples[char] ?? controls[char];
    if (sample !== undefined) return sample;
    if (/\w/.test(char)) throw new NotUnderstood();
    return char;
  }

  function oneOfClass(): string {
    const start = at - 1;
    const isNegated = take("^");
    let first: string | undefined;
    // A bracket that comes first stands for itself.
    while (first === undefined || !isAt("]")) {
      if (at >= pattern.length) throw new NotUnderstood();
      const [named, name = ""] = /^\[:(\w+):\]/.exec(pattern.slice(at)) ?? [];
      if (named !== undefined) at += named.length;
      const member =
        named === undefined ? (take("\\") ? escaped() : (pattern[at++] ?? "")) : namedSamples[name];
      if (member === undefined) throw new NotUnderstood();
      first ??= member;
    }
    at++;
    if (!isNegated) return first;
    const whole = pattern.slice(start, at);
    const found = [...candidates].find((candidate) => matchesGoPattern(`^${whole}$`, candidate));
    if (found === undefined) throw new NotUnderstood();
    return found;
  }

  return {
    all(): string {
      const text = alternatives();
      if (at < pattern.length) throw new NotUnderstood();
      return text;
    },
  };
}
