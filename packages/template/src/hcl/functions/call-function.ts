import type { Context } from "../evaluate/context.ts";
import { EvaluationError } from "../evaluate/errors.ts";
import { evaluate } from "../evaluate/evaluate.ts";
import type { Expression } from "../syntax/expression.ts";
import { ConversionError, convert } from "../values/convert.ts";
import { BOOL, hasDynamic, typeName } from "../values/type.ts";
import {
  ANYTHING,
  bool,
  hasSensitive,
  isKnown,
  isNull,
  isWhollyKnown,
  markSensitive,
  unknown,
  unmark,
  unmarkDeep,
  type Value,
} from "../values/value.ts";
import type { FunctionDefinition } from "./define.ts";
import { FUNCTIONS } from "./table.ts";
import { templateFile, templateString } from "./template.ts";

type Call = Extract<Expression, { type: "call" }>;

/** Calls one of Terraform's functions. Functions of providers exist only in the plan. */
export function callFunction(call: Call, context: Context): Value {
  const name = call.name.replace(/^core::/, "");
  if (name.startsWith("provider::")) return ANYTHING;
  switch (name) {
    // They see their arguments fail, and so evaluate them themselves.
    case "try":
      return tryEach(call, context);
    case "can":
      return can(call, context);
    case "templatestring":
      return templateString(call, context);
  }
  const definition = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (definition === undefined) throw new EvaluationError(`Terraform has no function ${name}.`);
  const args = evaluateArguments(call, context);
  if (args === null) return ANYTHING;
  if (name === "templatefile") return templateFile(args, context);
  return apply(name, definition, args, context);
}

/** Null when it is not even known how many arguments there are. */
function evaluateArguments(call: Call, context: Context): Value[] | null {
  const args = call.args.map((arg) => evaluate(arg, context));
  if (!call.expandsLast) return args;
  const last = args.pop();
  if (last === undefined || last.type.kind === "dynamic") return null;
  if (isNull(last)) throw new EvaluationError("A null value can't be expanded into arguments.");
  if (!isKnown(last)) return null;
  if (!Array.isArray(last.data)) {
    throw new EvaluationError(`A ${typeName(last.type)} can't be expanded into arguments. Give a list.`);
  }
  const items: readonly Value[] = last.data;
  context.budget.spend({ steps: items.length });
  return [...args, ...items.map((item) => markSensitive(item, last.sensitive))];
}

function apply(name: string, definition: FunctionDefinition, given: Value[], context: Context): Value {
  const { parameters, rest, result, seesUnknown } = definition;
  if (given.length < parameters.length || (rest === undefined && given.length > parameters.length)) {
    const wanted = `${rest === undefined ? "" : "at least "}${parameters.length}`;
    throw new EvaluationError(`The function ${name} takes ${wanted} arguments, not ${given.length}.`);
  }
  const handlesMarks = name === "sensitive" || name === "nonsensitive" || name === "issensitive";
  const isSensitive = !handlesMarks && given.some(hasSensitive);
  const args = given.map((value, i) => {
    const parameter = parameters[i] ?? rest;
    if (parameter === undefined) return value;
    if (isNull(value) && parameter.allowsNull !== true) {
      throw new EvaluationError(`The argument ${i + 1} of ${name} can't be null.`);
    }
    try {
      return convert(handlesMarks ? value : unmarkDeep(value), parameter.type);
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error;
      throw new EvaluationError(`The argument ${i + 1} of ${name} is invalid: ${error.message}.`, {
        cause: error,
      });
    }
  });
  if (seesUnknown !== true && !args.every(isWhollyKnown)) {
    const type = result === undefined || hasDynamic(result) ? null : result;
    return markSensitive(type === null ? ANYTHING : unknown(type), isSensitive);
  }
  context.budget.spend({ steps: args.length });
  const value = definition.call(args, context);
  context.budget.spend({ size: shallowSize(value), steps: shallowSize(value) / 16 });
  return markSensitive(value, isSensitive);
}

function shallowSize({ data }: Value): number {
  if (typeof data === "string") return data.length;
  if (Array.isArray(data)) return data.length;
  return data instanceof Map ? data.size : 1;
}

/** The first argument that can be evaluated; unknown when that can't be told yet. */
function tryEach(call: Call, context: Context): Value {
  for (const arg of call.args) {
    try {
      const value = evaluate(arg, context);
      return isWhollyKnown(unmark(value)) ? value : ANYTHING;
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
    }
  }
  throw new EvaluationError("No argument of try can be evaluated.");
}

function can(call: Call, context: Context): Value {
  const [arg] = call.args;
  if (arg === undefined || call.args.length > 1)
    throw new EvaluationError("The function can takes 1 argument.");
  try {
    const value = evaluate(arg, context);
    return isWhollyKnown(value) ? bool(true) : unknown(BOOL);
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return bool(false);
  }
}
