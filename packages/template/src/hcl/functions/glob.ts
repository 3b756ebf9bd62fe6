import { compilePattern } from "../../regexp/compile.ts";
import { codesOf, createMatcher } from "../../regexp/find-match.ts";
import { PatternError } from "../../regexp/pattern-error.ts";
import { refuse } from "./define.ts";

/** Whether paths match a pattern of `fileset`: `*`, `**`, `?`, `[a-z]` and `{a,b}`. */
export function globToPattern(glob: string): (path: string) => boolean {
  let source = "";
  let braces = 0;
  for (let at = 0; at < glob.length; ) {
    const rest = glob.slice(at);
    const doubled = /^\*\*(?:\/|$)/.exec(rest);
    const inBrackets = /^\[[!^]?\]?[^\]]*\]/.exec(rest);
    if (doubled !== null && (at === 0 || glob[at - 1] === "/")) {
      source += doubled[0] === "**" ? ".*" : "(?:[^/]*/)*";
      at += doubled[0].length;
    } else if (inBrackets !== null) {
      source += inBrackets[0].replace(/^\[!/, "[^");
      at += inBrackets[0].length;
    } else {
      const char = String.fromCodePoint(glob.codePointAt(at) ?? 0);
      if (char === "{") braces += 1;
      if (char === "}" && braces > 0) braces -= 1;
      source += translate(char, rest, braces);
      at += char === "\\" && rest.length > 1 ? 2 : char.length;
    }
  }
  try {
    const program = compilePattern(`(?s)^(?:${source})$`);
    return (path) => createMatcher(program, codesOf(path))(0) !== null;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return refuse(`The pattern ${JSON.stringify(glob)} can't be used: ${error.message}`, error);
  }
}

function translate(char: string, rest: string, braces: number): string {
  switch (char) {
    case "*":
      return "[^/]*";
    case "?":
      return "[^/]";
    case "{":
      return "(?:";
    case "}":
      return ")";
    case ",":
      return braces > 0 ? "|" : ",";
    case "\\":
      return rest.length > 1 ? `\\Q${rest[1]}\\E` : "\\\\";
    default:
      return /[\p{L}\p{N}_/]/u.test(char) ? char : `\\Q${char}\\E`;
  }
}
