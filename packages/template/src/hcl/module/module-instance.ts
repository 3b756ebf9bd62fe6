import type { Budget } from "../evaluate/budget.ts";
import type { FileSource, Scope, Step } from "../evaluate/context.ts";
import { EvaluationError } from "../evaluate/errors.ts";
import { evaluate } from "../evaluate/evaluate.ts";
import { parseJson } from "../functions/json.ts";
import { STRING } from "../values/type.ts";
import { ANYTHING, string, unknown, type Value } from "../values/value.ts";
import { ownerValue, workspaceValue } from "./data-sources.ts";
import type { EvaluationInputs } from "./evaluation-inputs.ts";
import { type Bindings, everyInstance, expand } from "./expand.ts";
import { directoryOfCall, outputsOf } from "./module-call.ts";
import { parameterValue } from "./parameter-value.ts";
import {
  type ParsedArgument,
  type ParsedBlock,
  type ParsedTemplate,
  type Place,
  placeOf,
} from "./parsed-template.ts";
import { dataKey } from "./plan-data.ts";
import { variableValue } from "./variable-value.ts";

/** What all modules of one evaluation share. */
export type Evaluation = {
  template: ParsedTemplate;
  inputs: EvaluationInputs;
  files: FileSource;
  budget: Budget;
  /** Variables that the archive's own values files set: they count more than those that are given. */
  tfvars: ReadonlyMap<string, Value>;
};

/** A module as it is called: once, or once for each of the call's instances. */
export type ModuleInstance = {
  directory: string;
  /** The names of the calls that lead here: `network.subnets`, "" for the root. */
  path: string;
  blocks: readonly ParsedBlock[];
  evaluation: Evaluation;
  /** The value of an argument; an error has its place in the files. */
  evaluate(argument: ParsedArgument, bindings: Bindings): Value;
  /** The value that a reference begins with, and how many of its steps that takes. */
  resolve(steps: readonly Step[], bindings: Bindings): { value: Value; taken: number };
  /** Where the call gives a value to a variable; null where it gives none. */
  placeOfInput(variable: string): Place | null;
  /** The modules that it calls, those that are not in the archive left out. */
  children(): ModuleInstance[];
};

/** An EvaluationError whose place in the files is known. */
export class PlacedError extends EvaluationError {
  readonly place: Place;

  constructor(message: string, place: Place, cause: unknown) {
    super(message, { cause });
    this.place = place;
  }
}

type Options = {
  directory: string;
  path: string;
  /** The value that the call gives to a variable; null when it gives none. */
  given(name: string): Value | null;
  /** The call itself; null for the root. */
  call: ParsedBlock | null;
};

export function createModuleInstance(evaluation: Evaluation, options: Options): ModuleInstance {
  const { directory, path } = options;
  const blocks = evaluation.template.modules[directory]?.blocks ?? [];
  const values = new Map<string, Value | "running">();
  const called = new Map<ParsedBlock, ModuleInstance[]>();

  const instance: ModuleInstance = {
    directory,
    path,
    blocks,
    evaluation,
    evaluate: evaluateArgument,
    resolve,
    placeOfInput: (name) => options.call?.arguments[name] ?? null,
    children: () => blocks.filter(({ type }) => type === "module").flatMap(childrenOf),
  };
  return instance;

  function evaluateArgument(argument: ParsedArgument, bindings: Bindings): Value {
    const scope: Scope = { resolve: (steps) => resolve(steps, bindings) };
    const { budget, files } = evaluation;
    try {
      return evaluate(argument.tree, { scope, budget, files, locals: null, item: null, templateDepth: 0 });
    } catch (error) {
      if (!(error instanceof EvaluationError) || error instanceof PlacedError) throw error;
      throw new PlacedError(error.message, placeOf(argument, error.offset), error);
    }
  }

  function resolve(steps: readonly Step[], bindings: Bindings): { value: Value; taken: number } {
    const [root, first, second] = steps;
    const name = String(first);
    switch (root) {
      case "var":
        return { taken: 2, value: once(`var.${name}`, () => variable(name)) };
      case "local":
        return { taken: 2, value: once(`local.${name}`, () => local(name)) };
      case "data":
        return { taken: 3, value: once(`data.${name}.${second}`, () => data(name, String(second))) };
      case "module":
        return { taken: 2, value: once(`module.${name}`, () => moduleOutputs(name)) };
      case "path":
        return { taken: 2, value: pathValue(name) };
      case "terraform":
        return { taken: 2, value: name === "workspace" ? string("default") : ANYTHING };
      case "each":
        if (bindings.each === undefined)
          throw new EvaluationError("each is only there in blocks with for_each.");
        return { taken: 2, value: name === "key" ? bindings.each.key : bindings.each.value };
      case "count":
        if (bindings.count === undefined)
          throw new EvaluationError("count is only there in blocks with count.");
        return { taken: 2, value: bindings.count };
    }
    const iterator = bindings.iterators?.get(String(root));
    if (iterator !== undefined) return { taken: 1, value: iterator };
    return { taken: 2, value: resource(String(root), name) };
  }

  /** Each value is computed when it is first asked for, and not while it is being computed. */
  function once(key: string, compute: () => Value): Value {
    const found = values.get(key);
    if (found === "running") throw new EvaluationError(`${key} refers to itself.`);
    if (found !== undefined) return found;
    values.set(key, "running");
    try {
      const value = compute();
      values.set(key, value);
      return value;
    } finally {
      if (values.get(key) === "running") values.delete(key);
    }
  }

  function variable(name: string): Value {
    const block = find("variable", name) ?? refuse(`There is no variable "${name}".`);
    return variableValue(instance, block, options.given(name));
  }

  function local(name: string): Value {
    const argument = localArgument(blocks, name) ?? refuse(`There is no local value "${name}".`);
    return evaluateArgument(argument, {});
  }

  function data(kind: string, name: string): Value {
    const block = find("data", kind, name) ?? refuse(`There is no data source ${kind} "${name}".`);
    const { inputs } = evaluation;
    switch (kind) {
      case "coder_parameter":
        return everyInstance(instance, block, (bindings) => parameterValue(instance, block, bindings));
      case "coder_workspace_owner":
        return everyInstance(instance, block, () => ownerValue(inputs.owner));
      case "coder_workspace":
        return everyInstance(instance, block, () => workspaceValue(inputs.workspace));
      default:
        return readData(kind, name);
    }
  }

  /** As the plan read it. Which instance of a module that was called several times this is can't be told. */
  function readData(kind: string, name: string): Value {
    const found = evaluation.inputs.planData?.get(dataKey(path, kind, name));
    if (found === undefined) return ANYTHING;
    evaluation.budget.spend({ steps: found.length, size: found.length });
    return parseJson(found);
  }

  function moduleOutputs(name: string): Value {
    const block = find("module", name) ?? refuse(`There is no module "${name}".`);
    const instances = childrenOf(block);
    if (directoryOfCall(instance, block) === null) return ANYTHING;
    let next = 0;
    return everyInstance(instance, block, () => {
      const child = instances[next];
      next += 1;
      return child === undefined ? ANYTHING : outputsOf(child);
    });
  }

  function childrenOf(block: ParsedBlock): ModuleInstance[] {
    const known = called.get(block);
    if (known !== undefined) return known;
    const target = directoryOfCall(instance, block);
    const instances = target === null ? null : expand(instance, block);
    if (target === null || instances === null || instances.kind === "unknown") return [];
    const name = block.labels[0] ?? "";
    const childPath = path === "" ? name : `${path}.${name}`;
    const all = instances.kind === "single" ? [{}] : [...instances.bindings.values()];
    const made = all.map((bindings) => {
      evaluation.budget.spend({ steps: 100 });
      return createModuleInstance(evaluation, {
        directory: target,
        path: childPath,
        call: block,
        given: (variableName) => {
          const argument = block.arguments[variableName];
          return argument === undefined ? null : evaluateArgument(argument, bindings);
        },
      });
    });
    called.set(block, made);
    return made;
  }

  function pathValue(name: string): Value {
    if (name === "module") return string(directory === "" ? "." : directory);
    return name === "root" ? string(".") : unknown(STRING);
  }

  function resource(type: string, name: string): Value {
    const isThere = find("resource", type, name) !== undefined;
    return isThere ? ANYTHING : refuse(`There is nothing with the name ${type}.${name}.`);
  }

  function find(type: string, ...labels: string[]): ParsedBlock | undefined {
    return blocks.find(
      (block) => block.type === type && labels.every((label, i) => block.labels[i] === label),
    );
  }
}

export function localArgument(blocks: readonly ParsedBlock[], name: string): ParsedArgument | undefined {
  const block = blocks.find(
    (candidate) => candidate.type === "locals" && Object.hasOwn(candidate.arguments, name),
  );
  return block?.arguments[name];
}

function refuse(message: string): never {
  throw new EvaluationError(message);
}
