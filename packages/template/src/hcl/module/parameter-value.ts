import { EvaluationError } from "../evaluate/errors.ts";
import { ConversionError, convert } from "../values/convert.ts";
import { BOOL, NUMBER, STRING, type Type } from "../values/type.ts";
import {
  ANYTHING,
  bool,
  isNull,
  nullOf,
  object,
  string,
  unknown,
  unmark,
  type Value,
} from "../values/value.ts";
import type { Bindings } from "./expand.ts";
import type { ModuleInstance } from "./module-instance.ts";
import type { ParsedBlock } from "./parsed-template.ts";

const ATTRIBUTES: readonly (readonly [name: string, type: Type, absent: Value])[] = [
  ["name", STRING, nullOf(STRING)],
  ["display_name", STRING, nullOf(STRING)],
  ["description", STRING, nullOf(STRING)],
  ["icon", STRING, nullOf(STRING)],
  ["type", STRING, string("string")],
  ["form_type", STRING, unknown(STRING)],
  ["styling", STRING, string("{}")],
  ["mutable", BOOL, bool(false)],
  ["ephemeral", BOOL, bool(false)],
  ["default", STRING, nullOf(STRING)],
  ["order", NUMBER, nullOf(NUMBER)],
];

/** `data.coder_parameter.x`: its arguments, and the value that it has been given or has by default. */
export function parameterValue(instance: ModuleInstance, block: ParsedBlock, bindings: Bindings): Value {
  const entries = new Map<string, Value>();
  for (const [name, type, absent] of ATTRIBUTES) {
    entries.set(name, attribute(instance, block, bindings, name, type) ?? absent);
  }
  const byDefault = entries.get("default") ?? nullOf(STRING);
  entries.set("id", unknown(STRING));
  entries.set("optional", bool(!isNull(byDefault)));
  entries.set(
    "value",
    givenValue(instance, entries.get("name")) ?? (isNull(byDefault) ? unknown(STRING) : byDefault),
  );
  entries.set("option", ANYTHING);
  entries.set("validation", ANYTHING);
  return object(entries);
}

/** The value that a person gave to the parameter with this name. */
export function givenValue(instance: ModuleInstance, name: Value | undefined): Value | null {
  const { inputs = {} } = instance.evaluation.inputs;
  if (typeof name?.data !== "string" || !Object.hasOwn(inputs, name.data)) return null;
  return string(inputs[name.data] ?? "");
}

/** What can't be evaluated is unknown here; the parameter's own diagnostics tell the reason. */
function attribute(
  instance: ModuleInstance,
  block: ParsedBlock,
  bindings: Bindings,
  name: string,
  type: Type,
): Value | null {
  const argument = block.arguments[name];
  if (argument === undefined) return null;
  try {
    const value = convert(unmark(instance.evaluate(argument, bindings)), type);
    return isNull(value) ? null : value;
  } catch (error) {
    if (error instanceof EvaluationError || error instanceof ConversionError) return unknown(type);
    throw error;
  }
}
