import type { Context } from "../evaluate/context.ts";
import { EvaluationError } from "../evaluate/errors.ts";
import { isInteger, type Num, toBigInt } from "../values/decimal.ts";
import { BOOL, NUMBER, STRING, type Type, typeName } from "../values/type.ts";
import type { Items, Value } from "../values/value.ts";

export type Parameter = { type: Type; allowsNull?: true };

/** One of Terraform's functions. Marks are taken from the arguments before the call and put onto the result. */
export type FunctionDefinition = {
  parameters: readonly Parameter[];
  /** The type of all further arguments; unset when there may be none. */
  rest?: Parameter;
  /** The type that the result has even when an argument is unknown. */
  result?: Type;
  /** It can do something with arguments that are unknown, or have unknown parts. */
  seesUnknown?: true;
  call(args: readonly Value[], context: Context): Value;
};

export type FunctionTable = Readonly<Record<string, FunctionDefinition>>;

export const text: Parameter = { type: STRING };
export const numeric: Parameter = { type: NUMBER };
export const flag: Parameter = { type: BOOL };
export const anything: Parameter = { type: { kind: "dynamic" } };
export const anythingOrNull: Parameter = { type: { kind: "dynamic" }, allowsNull: true };

export function refuse(message: string, cause?: unknown): never {
  throw new EvaluationError(message, cause === undefined ? undefined : { cause });
}

/** Reads arguments that have been converted to the parameter's type already, hence not null and known. */
export function textOf(value: Value | undefined): string {
  if (typeof value?.data === "string") return value.data;
  return refuse("A string is needed here.");
}

export function numberOf(value: Value | undefined): Num {
  const data = value?.data;
  if (typeof data === "object" && data !== null && "mantissa" in data) return data;
  return refuse("A number is needed here.");
}

/** A whole number that JavaScript can count to; `what` names the argument. */
export function wholeOf(value: Value | undefined, what: string): number {
  const found = numberOf(value);
  if (!isInteger(found)) return refuse(`The ${what} must be a whole number.`);
  const whole = toBigInt(found);
  if (whole > BigInt(Number.MAX_SAFE_INTEGER) || whole < BigInt(Number.MIN_SAFE_INTEGER)) {
    return refuse(`The ${what} is too large.`);
  }
  return Number(whole);
}

/** The elements of a list, set or tuple. */
export function itemsOf(value: Value | undefined, what = "argument"): Items {
  const data = value?.data;
  if (Array.isArray(data)) return data;
  return refuse(
    `The ${what} must be a list, a set or a tuple${value === undefined ? "" : `, not a ${typeName(value.type)}`}.`,
  );
}

/** The entries of a map or object. */
export function entriesOf(value: Value | undefined, what = "argument"): ReadonlyMap<string, Value> {
  const data = value?.data;
  if (data instanceof Map) return data;
  return refuse(
    `The ${what} must be a map or an object${value === undefined ? "" : `, not a ${typeName(value.type)}`}.`,
  );
}

export function isSequence(value: Value): boolean {
  return value.type.kind === "list" || value.type.kind === "set" || value.type.kind === "tuple";
}
