import { EvaluationError } from "../evaluate/errors.ts";
import { ANYTHING, object, type Value } from "../values/value.ts";
import type { ModuleInstance } from "./module-instance.ts";
import { joined } from "./parse-template.ts";
import type { ParsedBlock } from "./parsed-template.ts";

/** Where the code of a called module lies; null when it is not at hand. */
export function directoryOfCall(
  { directory, path, evaluation }: ModuleInstance,
  block: ParsedBlock,
): string | null {
  const name = block.labels[0] ?? "";
  const call = path === "" ? name : `${path}.${name}`;
  const source = block.arguments.source?.tree;
  const local = source?.type === "literal" && typeof source.value === "string" ? source.value : "";
  const found = /^\.\.?(?:\/|$)/.test(local) ? joined(directory, local) : evaluation.template.installed[call];
  return found !== undefined && Object.hasOwn(evaluation.template.modules, found) ? found : null;
}

/** What a call of a module stands for, in one of its instances. */
export function outputsOf(child: ModuleInstance): Value {
  const outputs = child.blocks.filter(({ type }) => type === "output");
  return object(
    outputs.map((block) => {
      const { value } = block.arguments;
      return [
        block.labels[0] ?? "",
        value === undefined ? ANYTHING : tolerant(() => child.evaluate(value, {})),
      ];
    }),
  );
}

/** What can't be evaluated in one output says nothing about the others. */
function tolerant(compute: () => Value): Value {
  try {
    return compute();
  } catch (error) {
    if (error instanceof EvaluationError) return ANYTHING;
    throw error;
  }
}
