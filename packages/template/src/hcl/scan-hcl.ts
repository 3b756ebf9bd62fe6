/** Where an element begins; lines and columns count from one. */
export type Position = { line: number; column: number };

/** `value` is where the expression begins, whose text is `source`. */
export type HclAttribute = Position & { name: string; source: string; value: Position };

export type HclBody = { attributes: Map<string, HclAttribute>; blocks: HclBlock[] };

export type HclBlock = Position & HclBody & { type: string; labels: string[] };

/** The text is not HCL, or nested deeper than anybody writes. */
export class HclScanError extends Error {
  readonly position: Position;

  constructor(message: string, position: Position) {
    super(message);
    this.name = "HclScanError";
    this.position = position;
  }
}

// The WebAssembly parser recurses; what is nested deeper could end it for the whole process.
const MAX_DEPTH = 100;
const IDENTIFIER = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;
const HEREDOC = /<<-?([\p{ID_Start}_][\p{ID_Continue}-]*)[ \t]*\r?\n/uy;

/**
 * Finds blocks and attributes of an HCL text with their places and the source of each expression, which
 * hcl2json does not tell. It judges no syntax: check the text with `checkHclSyntax` first.
 */
export function scanHcl(text: string): HclBody {
  const lineStarts = [0];
  for (let i = text.indexOf("\n"); i !== -1; i = text.indexOf("\n", i + 1)) lineStarts.push(i + 1);
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  let depth = 0;

  function position(offset: number): Position {
    let low = 0;
    let high = lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
  }

  const fail = (message: string): never => {
    throw new HclScanError(message, position(at));
  };

  function deeper(): void {
    depth += 1;
    if (depth > MAX_DEPTH) fail(`Blocks and expressions may be nested ${MAX_DEPTH} deep at most.`);
  }

  function match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at += found[0].length;
    return found;
  }

  /** Comments; true when one was passed over. A line comment leaves its newline. */
  function skipComment(): boolean {
    if (text[at] === "#" || text.startsWith("//", at)) {
      const end = text.indexOf("\n", at);
      at = end === -1 ? text.length : end;
      return true;
    }
    if (text.startsWith("/*", at)) {
      const end = text.indexOf("*/", at + 2);
      at = end === -1 ? text.length : end + 2;
      return true;
    }
    return false;
  }

  function skipSpace(): void {
    while (at < text.length && (/\s/.test(text[at] ?? "") || skipComment())) {
      if (/\s/.test(text[at] ?? "")) at += 1;
    }
  }

  /** From behind an opening quote to behind the closing one. */
  function skipString(): void {
    while (at < text.length) {
      const char = text[at];
      if (char === "\\") at += 2;
      else if (text.startsWith("$${", at) || text.startsWith("%%{", at)) at += 3;
      else if (text.startsWith("${", at) || text.startsWith("%{", at)) skipTemplatePart();
      else if (char === "\n") return;
      else {
        at += 1;
        if (char === '"') return;
      }
    }
  }

  function skipTemplatePart(): void {
    at += 2;
    deeper();
    skipExpression("}");
    at += 1;
    depth -= 1;
  }

  function skipHeredoc(marker: string): void {
    while (at < text.length) {
      const end = text.indexOf("\n", at);
      const line = text.slice(at, end === -1 ? text.length : end);
      if (line.trim() === marker) {
        at += line.trimEnd().length;
        return;
      }
      const lineEnd = end === -1 ? text.length : end + 1;
      while (at < lineEnd) {
        if (text.startsWith("$${", at) || text.startsWith("%%{", at)) at += 3;
        else if (text.startsWith("${", at) || text.startsWith("%{", at)) skipTemplatePart();
        else at += 1;
      }
    }
  }

  /** Up to a closing bracket of the level where it began, or, without `closer`, to the end of the line. */
  function skipExpression(closer: string | null): void {
    const open: string[] = [];
    while (at < text.length) {
      const char = text[at] ?? "";
      const top = open.at(-1);
      if (top === undefined && (char === closer || (closer === null && (char === "\n" || char === "}"))))
        return;
      if (skipComment()) continue;
      const heredoc = match(HEREDOC);
      if (heredoc !== null) {
        skipHeredoc(heredoc[1] ?? "");
        continue;
      }
      at += 1;
      if (char === '"') skipString();
      else if (char === "(" || char === "[" || char === "{") {
        deeper();
        open.push(char);
      } else if (top !== undefined && (char === ")" || char === "]" || char === "}")) {
        depth -= 1;
        open.pop();
      }
    }
  }

  function scanBody(inBlock: boolean): HclBody {
    const body: HclBody = { attributes: new Map(), blocks: [] };
    for (;;) {
      skipSpace();
      if (at >= text.length) return body;
      if (text[at] === "}") {
        if (!inBlock) fail("A closing brace without its opening one.");
        at += 1;
        return body;
      }
      const start = at;
      const name = match(IDENTIFIER)?.[0] ?? fail("Expected the name of an argument or a block.");
      const place = position(start);
      skipBlanks();
      if (text[at] === "=") {
        at += 1;
        const from = at;
        skipExpression(null);
        const written = text.slice(from, at);
        const value = position(from + written.length - written.trimStart().length);
        body.attributes.set(name, { name, source: written.trim(), ...place, value });
        continue;
      }
      const labels = scanLabels();
      if (text[at] !== "{") fail("Expected = or { here.");
      at += 1;
      deeper();
      body.blocks.push({ type: name, labels, ...place, ...scanBody(true) });
      depth -= 1;
    }
  }

  function scanLabels(): string[] {
    const labels: string[] = [];
    for (;;) {
      skipBlanks();
      if (text[at] === '"') {
        const from = at + 1;
        at += 1;
        skipString();
        labels.push(text.slice(from, at - 1).replaceAll(/\\(["\\])/g, "$1"));
      } else {
        const label = match(IDENTIFIER);
        if (label === null) return labels;
        labels.push(label[0]);
      }
    }
  }

  function skipBlanks(): void {
    while (text[at] === " " || text[at] === "\t" || (text.startsWith("/*", at) && skipComment())) {
      if (text[at] === " " || text[at] === "\t") at += 1;
    }
  }

  return scanBody(false);
}
