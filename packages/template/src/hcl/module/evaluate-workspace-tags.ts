import type { Diagnostic } from "../diagnostic.ts";
import { EvaluationError } from "../evaluate/errors.ts";
import type { Expression } from "../syntax/expression.ts";
import { ConversionError, convert } from "../values/convert.ts";
import { STRING, typeName } from "../values/type.ts";
import { hasSensitive, isKnown, isNull, isWhollyKnown, type Value } from "../values/value.ts";
import type { EvaluationInputs } from "./evaluation-inputs.ts";
import { type Bindings, bindingsOf } from "./expand.ts";
import { explainUnknown } from "./explain-unknown.ts";
import { type ModuleInstance, PlacedError } from "./module-instance.ts";
import { type ParsedArgument, type ParsedBlock, type ParsedTemplate, placeOf } from "./parsed-template.ts";
import { allInstances, diagnosticOf, startEvaluation } from "./start-evaluation.ts";
import type { TemplateFiles } from "./template-source.ts";

const SUMMARY = "Invalid workspace tags";

/**
 * Evaluates `coder_workspace_tags` in all modules (provisioning.md §7.4). A tag whose name or value is not known is an
 * error that says what it depends on: a job can't wait for a daemon by half a tag.
 */
export function evaluateWorkspaceTags(
  template: ParsedTemplate,
  files: TemplateFiles,
  inputs: EvaluationInputs = {},
): { tags: Map<string, string>; diagnostics: Diagnostic[] } {
  const tags = new Map<string, string>();
  const diagnostics = [...template.diagnostics];
  // Most templates have none, and then nothing needs to be evaluated.
  const hasTags = Object.values(template.modules).some(({ blocks }) => blocks.some(isTagBlock));
  if (!hasTags) return { tags, diagnostics };
  try {
    for (const instance of allInstances(startEvaluation(template, files, inputs))) {
      for (const block of instance.blocks.filter(isTagBlock)) addBlock(instance, block, tags, diagnostics);
    }
  } catch (error) {
    diagnostics.push(diagnosticOf(error, SUMMARY, null));
  }
  return { tags, diagnostics };
}

function isTagBlock({ type, labels }: ParsedBlock): boolean {
  return type === "data" && labels[0] === "coder_workspace_tags";
}

function addBlock(
  instance: ModuleInstance,
  block: ParsedBlock,
  tags: Map<string, string>,
  diagnostics: Diagnostic[],
): void {
  const argument = block.arguments.tags;
  if (argument === undefined) return;
  const add = (key: string, value: string) => {
    if (tags.has(key)) throw new EvaluationError(`The tag "${key}" is set twice. Set each tag once.`);
    tags.set(key, value);
  };
  const attempt = (work: () => void, offset: number) => {
    try {
      work();
    } catch (error) {
      diagnostics.push(diagnosticOf(error, SUMMARY, placeOf(argument, offset)));
    }
  };
  attempt(() => {
    const all = bindingsOf(instance, block);
    if (all === null)
      throw new EvaluationError("It is not known before a build how many of these blocks there are.");
    for (const bindings of all) {
      const { tree } = argument;
      if (tree.type !== "object") addMap(instance, argument, bindings, add);
      else
        for (const item of tree.items)
          attempt(() => addPair(instance, argument, bindings, item, add), item.key.at);
    }
  }, 0);
}

type Add = (key: string, value: string) => void;

/** A map that is written out is taken pair by pair, so that each complaint names its tag and place. */
function addPair(
  instance: ModuleInstance,
  argument: ParsedArgument,
  bindings: Bindings,
  { key, value }: { key: Expression; value: Expression },
  add: Add,
): void {
  const part = (tree: Expression) => ({ ...argument, tree });
  const name = textOf(
    instance,
    part(key),
    bindings,
    instance.evaluate(part(key), bindings),
    "The name of a tag",
  );
  const what = `The tag "${name}"`;
  let found: Value;
  try {
    found = instance.evaluate(part(value), bindings);
  } catch (error) {
    if (!(error instanceof PlacedError)) throw error;
    throw new PlacedError(`${what} can't be evaluated: ${error.message}`, error.place, error);
  }
  add(name, textOf(instance, part(value), bindings, found, what));
}

function addMap(instance: ModuleInstance, argument: ParsedArgument, bindings: Bindings, add: Add): void {
  const value = instance.evaluate(argument, bindings);
  if (isNull(value)) return;
  if (!isKnown(value))
    throw new EvaluationError(`The tags are not known. ${explainUnknown(instance, argument, bindings)}`);
  if (!(value.data instanceof Map)) {
    throw new EvaluationError(
      `The tags must be a map, such as { zone = "eu" }, not a ${typeName(value.type)}.`,
    );
  }
  for (const [name, item] of value.data)
    add(name, textOf(instance, argument, bindings, item, `The tag "${name}"`));
}

function textOf(
  instance: ModuleInstance,
  argument: ParsedArgument,
  bindings: Bindings,
  value: Value,
  what: string,
): string {
  if (!isWhollyKnown(value)) {
    throw new EvaluationError(`${what} is not known. ${explainUnknown(instance, argument, bindings)}`);
  }
  if (hasSensitive(value)) {
    throw new EvaluationError(
      `${what} is made of a sensitive value, but everybody may see tags. Use nonsensitive if it is none.`,
    );
  }
  const text = stringOf(value);
  if (text === null) throw new EvaluationError(`${what} must be a string, a number or a bool.`);
  if (text.includes("\0")) throw new EvaluationError(`${what} holds a NUL character. Remove it.`);
  return text;
}

function stringOf(value: Value): string | null {
  if (isNull(value)) return null;
  try {
    const { data } = convert(value, STRING);
    return typeof data === "string" ? data : null;
  } catch (error) {
    if (error instanceof ConversionError) return null;
    throw error;
  }
}
