import { EvaluationError } from "../evaluate/errors.ts";
import { elementsOf, isIterable } from "../evaluate/for.ts";
import { isKnown, object } from "../values/value.ts";
import type { Bindings } from "./expand.ts";
import type { ModuleInstance } from "./module-instance.ts";
import type { ParsedBlock } from "./parsed-template.ts";

const MAX_BLOCKS = 1000;

/** The nested blocks of one type in their order, those that `dynamic` makes among them, each with its own bindings. */
export function nestedBlocks(
  instance: ModuleInstance,
  block: ParsedBlock,
  type: string,
  bindings: Bindings,
): { block: ParsedBlock; bindings: Bindings }[] {
  return block.blocks.flatMap((inner) => {
    if (inner.type === type) return [{ block: inner, bindings }];
    return inner.type === "dynamic" && inner.labels[0] === type
      ? generated(instance, inner, type, bindings)
      : [];
  });
}

function generated(instance: ModuleInstance, dynamic: ParsedBlock, type: string, bindings: Bindings) {
  const content = dynamic.blocks.find((inner) => inner.type === "content");
  const { for_each: forEach, iterator } = dynamic.arguments;
  if (content === undefined || forEach === undefined) {
    throw new EvaluationError(`A dynamic "${type}" block needs for_each and content.`);
  }
  const name = iterator?.tree.type === "name" ? iterator.tree.name : type;
  const collection = instance.evaluate(forEach, bindings);
  if (!isKnown(collection)) {
    throw new EvaluationError(`It is not known before a build which "${type}" blocks there are.`);
  }
  if (!isIterable(collection) || collection.data === null) {
    throw new EvaluationError(`for_each of a dynamic "${type}" block must be a list, a set or a map.`);
  }
  const elements = elementsOf(collection);
  if (elements.length > MAX_BLOCKS)
    throw new EvaluationError(`There may be ${MAX_BLOCKS} "${type}" blocks at most.`);
  return elements.map(([key, value]) => {
    const element = object([
      ["key", key],
      ["value", value],
    ]);
    const iterators = new Map([...(bindings.iterators ?? []), [name, element] as const]);
    return { block: content, bindings: { ...bindings, iterators } };
  });
}
