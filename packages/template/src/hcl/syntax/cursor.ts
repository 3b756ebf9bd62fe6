/** The text is no expression; `offset` is the place in it. */
export class SyntaxProblem extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.name = "SyntaxProblem";
    this.offset = offset;
  }
}

// Deeper than anybody writes, and far from the end of the stack.
const MAX_DEPTH = 120;
const BLANK = /(?:[ \t]|\/\*[\s\S]*?\*\/)+/y;
const BLANK_AND_NEWLINES = /(?:[ \t\r\n]|\/\*[\s\S]*?\*\/|(?:#|\/\/)[^\n]*)+/y;
const LINE_COMMENT = /(?:#|\/\/)[^\n]*/y;
const IDENTIFIER = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;

/** A place in a text that is being parsed. Inside brackets newlines mean nothing; elsewhere they end things. */
export class Cursor {
  readonly text: string;
  at = 0;
  newlinesMatter: boolean;
  #depth = 0;

  constructor(text: string, newlinesMatter: boolean) {
    this.text = text;
    this.newlinesMatter = newlinesMatter;
  }

  fail(message: string, offset = this.at): never {
    throw new SyntaxProblem(message, offset);
  }

  /** Passes over blanks and comments, and over newlines where they mean nothing. */
  skip(): void {
    if (!this.newlinesMatter) {
      this.match(BLANK_AND_NEWLINES);
      return;
    }
    while (this.match(BLANK) !== null || this.match(LINE_COMMENT) !== null);
  }

  match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found !== null) this.at += found[0].length;
    return found;
  }

  /** Whether the next token, after blanks, begins like this. */
  sees(token: string): boolean {
    this.skip();
    return this.text.startsWith(token, this.at);
  }

  take(token: string): boolean {
    if (!this.sees(token)) return false;
    this.at += token.length;
    return true;
  }

  expect(token: string, where: string): void {
    if (!this.take(token)) this.fail(`Expected ${token} ${where}.`);
  }

  identifier(): string | null {
    this.skip();
    return this.match(IDENTIFIER)?.[0] ?? null;
  }

  seesWord(word: string): boolean {
    this.skip();
    const start = this.at;
    const found = this.identifier();
    this.at = start;
    return found === word;
  }

  /** Runs a part of the grammar that may contain itself. */
  nested<T>(newlinesMatter: boolean, parse: () => T): T {
    if (this.#depth >= MAX_DEPTH) this.fail(`Expressions may be nested ${MAX_DEPTH} deep at most.`);
    const before = this.newlinesMatter;
    this.#depth += 1;
    this.newlinesMatter = newlinesMatter;
    const result = parse();
    this.newlinesMatter = before;
    this.#depth -= 1;
    return result;
  }
}
