/** Decides about one path below the root; directories are asked for with `isDirectory`. */
export type IgnoreRules = { ignores(path: string, isDirectory: boolean): boolean; hasExceptions: boolean };

type Rule = { pattern: RegExp; keep: boolean };

/** Terraform's own: always in force, before the rules of the file. */
const DEFAULT_RULES = [".git/", ".terraform/", "!.terraform/modules/"];

/**
 * Reads a `.terraformignore` file as Terraform does: one pattern a line, `#` comments, `!` for exceptions,
 * a leading `/` binds to the root, a trailing `/` means a directory and all below it, `**` spans folders,
 * and the last matching rule decides.
 */
export function parseIgnoreRules(text: string): IgnoreRules {
  const lines = [...DEFAULT_RULES, ...text.split(/\r?\n/)].map((line) => line.trim());
  const rules = lines.filter((line) => line !== "" && !line.startsWith("#")).flatMap(parseRule);
  return {
    hasExceptions: rules.slice(DEFAULT_RULES.length).some((rule) => rule.keep),
    ignores(path, isDirectory) {
      let ignored = false;
      for (const rule of rules) {
        if (rule.pattern.test(path) || (isDirectory && rule.pattern.test(`${path}/`))) ignored = !rule.keep;
      }
      return ignored;
    },
  };
}

function parseRule(line: string): Rule[] {
  const keep = line.startsWith("!");
  let glob = keep ? line.slice(1).trim() : line;
  if (glob === "" || glob === "/") return [];
  if (glob.endsWith("/")) glob = `${glob}**`;
  glob = glob.startsWith("/") ? glob.slice(1) : `**/${glob}`;
  return [{ keep, pattern: globToRegExp(glob) }];
}

function globToRegExp(glob: string): RegExp {
  let source = "";
  for (let i = 0; i < glob.length; i += 1) {
    const char = glob[i] ?? "";
    if (glob.startsWith("**/", i)) {
      source += "(?:.*/)?";
      i += 2;
    } else if (glob.startsWith("**", i)) {
      source += ".*";
      i += 1;
    } else if (char === "*") {
      source += "[^/]*";
    } else if (char === "?") {
      source += "[^/]";
    } else {
      source += char.replace(/[\\^$.|+()[\]{}]/, "\\$&");
    }
  }
  // A rule that names a directory also covers what is in it.
  return new RegExp(`^${source}(?:/.*)?$`, "su");
}
