import type { Value } from "../values/value.ts";
import type { Budget } from "./budget.ts";

/** One step behind the first name of a reference: an attribute, or an index whose key is written out. */
export type Step = string | number;

/** What the names in an expression stand for. */
export type Scope = {
  /**
   * The value that a reference begins with and how many of its steps that takes, the first name included:
   * `var.size.cpu` begins with `var.size`, which takes two. Throws an EvaluationError when nothing has that name.
   */
  resolve(steps: readonly Step[]): { value: Value; taken: number };
};

/** The files that functions may read: those of the template's archive, never the host's. */
export type FileSource = {
  /** Bytes of a file by its path in the archive; null when there is none, "unread" when it is too large. */
  read(path: string): Uint8Array | null | "unread";
  /** The paths of all files. */
  list(): readonly string[];
  /** Relative paths begin here: the directory of the root module, "" for the archive's root. */
  readonly directory: string;
};

/** Everything that an evaluation needs but the tree. */
export type Context = {
  scope: Scope;
  budget: Budget;
  files: FileSource | null;
  /** Variables of for-expressions, the innermost first. */
  locals: Locals | null;
  /** The element that a splat is at. */
  item: Value | null;
  /** Templates that call templates. */
  templateDepth: number;
};

export type Locals = { name: string; value: Value; outer: Locals | null };

export function findLocal(locals: Locals | null, name: string): Value | undefined {
  for (let found = locals; found !== null; found = found.outer) {
    if (found.name === name) return found.value;
  }
  return undefined;
}
