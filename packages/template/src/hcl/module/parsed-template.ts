import type { Diagnostic } from "../diagnostic.ts";
import type { Expression } from "../syntax/expression.ts";

/**
 * A template version as trees: plain data, to be stored with the version and evaluated again and again. The key of a
 * module is its directory, "" for the root.
 */
export type ParsedTemplate = {
  modules: Record<string, ParsedModule>;
  /** Directories of modules that `terraform init` brought, by the names of the calls: `network.subnets`. */
  installed: Record<string, string>;
  diagnostics: Diagnostic[];
};

export type ParsedModule = { blocks: ParsedBlock[] };

export type Place = { file: string; line: number; column: number };

export type ParsedBlock = Place & {
  type: string;
  labels: string[];
  arguments: Record<string, ParsedArgument>;
  blocks: ParsedBlock[];
};

/** `text` is what was parsed: offsets of the tree are offsets in it. */
export type ParsedArgument = Place & { tree: Expression; text: string };

/** Where in the template's files an offset of an argument lies. */
export function placeOf(argument: Place & { text: string }, offset = 0): Place {
  const before = argument.text.slice(0, offset).split("\n");
  const last = before.at(-1) ?? "";
  const { file, line, column } = argument;
  return before.length === 1
    ? { file, line, column: column + last.length }
    : { file, line: line + before.length - 1, column: last.length + 1 };
}
