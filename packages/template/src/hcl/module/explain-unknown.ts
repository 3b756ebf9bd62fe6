import type { Step } from "../evaluate/context.ts";
import { EvaluationError } from "../evaluate/errors.ts";
import { referenceSteps } from "../evaluate/evaluate.ts";
import type { Expression } from "../syntax/expression.ts";
import { isWhollyKnown } from "../values/value.ts";
import type { Bindings } from "./expand.ts";
import { localArgument, type ModuleInstance } from "./module-instance.ts";
import type { ParsedArgument } from "./parsed-template.ts";

const IN_BUILDS_ONLY = new Set(["timestamp", "plantimestamp", "uuid", "bcrypt", "abspath", "pathexpand"]);
const MAX_REASONS = 5;

/** Sentences that say which parts of an argument are unknown, and why. */
export function explainUnknown(
  instance: ModuleInstance,
  argument: ParsedArgument,
  bindings: Bindings,
): string {
  const reasons = new Set<string>();
  collect(instance, argument.tree, bindings, reasons, new Set());
  if (reasons.size === 0) return "It depends on something that is known only in a build.";
  return [...reasons].slice(0, MAX_REASONS).join(" ");
}

function collect(
  instance: ModuleInstance,
  tree: Expression,
  bindings: Bindings,
  reasons: Set<string>,
  seen: Set<string>,
): void {
  const steps = referenceSteps(tree);
  if (steps !== null) {
    explainReference(instance, steps, bindings, reasons, seen);
    return;
  }
  if (tree.type === "call" && IN_BUILDS_ONLY.has(tree.name))
    reasons.add(`${tree.name}() is known only in a build.`);
  if (tree.type === "call" && tree.name.startsWith("provider::"))
    reasons.add(`${tree.name} is a provider's function, which runs only in a build.`);
  for (const child of childrenOf(tree)) collect(instance, child, bindings, reasons, seen);
}

function explainReference(
  instance: ModuleInstance,
  steps: Step[],
  bindings: Bindings,
  reasons: Set<string>,
  seen: Set<string>,
): void {
  const [root, first, second] = steps;
  const name = steps.slice(0, 4).join(".");
  if (seen.has(name)) return;
  seen.add(name);
  if (root === "local") {
    const argument = localArgument(instance.blocks, String(first));
    if (argument !== undefined) collect(instance, argument.tree, {}, reasons, seen);
    return;
  }
  if (isReferenceKnown(instance, steps, bindings)) return;
  if (root === "var") reasons.add(`The variable "${first}" has no default and was given no value.`);
  else if (root === "data" && first === "coder_parameter") {
    reasons.add(
      `The parameter "${parameterName(instance, steps)}" has no default, so it has no value yet. Give it one.`,
    );
  } else if (root === "data" && (first === "coder_workspace" || first === "coder_workspace_owner")) {
    reasons.add(`${name} is not known before a build.`);
  } else if (root === "data") reasons.add(`data.${first}.${second} is read only in a build.`);
  else if (root === "module")
    reasons.add(`module.${first} depends on what is known only in a build, or is not in the archive.`);
  else if (root !== "each" && root !== "count") reasons.add(`${root}.${first} is not known before a build.`);
}

function isReferenceKnown(instance: ModuleInstance, steps: Step[], bindings: Bindings): boolean {
  const [root] = steps;
  try {
    const { value, taken } = instance.resolve(steps, bindings);
    let found = value;
    for (const step of steps.slice(taken)) {
      const inner: unknown = found.data instanceof Map ? found.data.get(String(step)) : undefined;
      if (inner === undefined) break;
      // Entries of a Map of values are values.
      found = inner as typeof found;
    }
    return isWhollyKnown(found);
  } catch (error) {
    // A variable of a for-expression is no reference to anything outside of it.
    if (error instanceof EvaluationError) return root !== "var" && root !== "data";
    throw error;
  }
}

function parameterName(instance: ModuleInstance, [, , label]: Step[]): string {
  const block = instance.blocks.find(({ labels }) => labels[0] === "coder_parameter" && labels[1] === label);
  const tree = block?.arguments.name?.tree;
  return tree?.type === "literal" ? String(tree.value) : String(label);
}

function childrenOf(tree: Expression): Expression[] {
  switch (tree.type) {
    case "template":
      return tree.parts;
    case "join":
    case "attribute":
      return [tree.of];
    case "index":
      return [tree.of, tree.key];
    case "splat":
      return [tree.of, tree.each];
    case "call":
      return tree.args;
    case "conditional":
      return [tree.condition, tree.yes, tree.no];
    case "unary":
      return [tree.operand];
    case "binary":
      return [tree.left, tree.right];
    case "tuple":
      return tree.items;
    case "object":
      return tree.items.flatMap(({ key, value }) => [key, value]);
    case "for":
      return [tree.collection, tree.key, tree.value, tree.condition].filter((child) => child !== null);
    default:
      return [];
  }
}
