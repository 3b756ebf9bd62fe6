import type { Expression } from "../syntax/expression.ts";
import { convert } from "../values/convert.ts";
import { isSame } from "../values/equal.ts";
import { BOOL, DYNAMIC, isSameType, type Type, typeName } from "../values/type.ts";
import { unifyWithConversions } from "../values/unify.ts";
import {
  ANYTHING,
  isKnown,
  isNull,
  isWhollyKnown,
  markSensitive,
  unknown,
  unmark,
  type Value,
} from "../values/value.ts";
import type { Context } from "./context.ts";
import { EvaluationError } from "./errors.ts";
import { evaluate } from "./evaluate.ts";

type Conditional = Extract<Expression, { type: "conditional" }>;

/**
 * `condition ? yes : no`. Both results count for the type, as in Terraform; one that fails counts as unknown, and its
 * error matters only when it is chosen.
 */
export function evaluateConditional(expression: Conditional, context: Context): Value {
  const yes = attempt(expression.yes, context);
  const no = attempt(expression.no, context);
  const common = commonType(yes.value, no.value);
  const condition = evaluate(expression.condition, context);
  if (isNull(condition)) throw new EvaluationError("The condition is null. It must be true or false.");
  const isSensitive = [condition, yes.value, no.value].some(({ sensitive }) => sensitive === true);
  if (!isKnown(condition)) return markSensitive(undecided(common, yes.value, no.value), isSensitive);
  const choice = convert(unmark(condition), BOOL).data === true ? 0 : 1;
  const chosen = choice === 0 ? yes : no;
  if (chosen.error !== null) throw chosen.error;
  return markSensitive((common.conversions[choice] ?? same)(unmark(chosen.value)), isSensitive);
}

type Common = { type: Type; conversions: ((value: Value) => Value)[] };

const same = (value: Value) => value;

function attempt(expression: Expression, context: Context): { value: Value; error: EvaluationError | null } {
  try {
    return { value: evaluate(expression, context), error: null };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return { value: ANYTHING, error };
  }
}

function commonType(yes: Value, no: Value): Common {
  const isBareNull = (value: Value) => isNull(value) && value.type.kind === "dynamic";
  const retyped = (type: Type) => (value: Value) => ({ ...value, type });
  if (isBareNull(yes)) return { type: no.type, conversions: [retyped(no.type), same] };
  if (isBareNull(no)) return { type: yes.type, conversions: [same, retyped(yes.type)] };
  if (yes.type.kind === "dynamic" || no.type.kind === "dynamic") {
    return { type: DYNAMIC, conversions: [same, same] };
  }
  const common = unifyWithConversions([yes.type, no.type]);
  if (common === null) {
    throw new EvaluationError(
      `Both results of a condition must have types that fit together, but these are ${typeName(yes.type)} and ${typeName(no.type)}.`,
    );
  }
  return common;
}

function undecided(common: Common, yes: Value, no: Value): Value {
  // Whatever the condition is: two equal results are the result.
  if (isSameType(yes.type, no.type) && isWhollyKnown(yes) && isWhollyKnown(no) && isSame(yes, no)) {
    return unmark(yes);
  }
  return unknown(common.type);
}
