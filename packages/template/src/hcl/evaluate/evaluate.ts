import { callFunction } from "../functions/call-function.ts";
import type { Expression } from "../syntax/expression.ts";
import { ConversionError, convert } from "../values/convert.ts";
import { NumberRangeError, parseNumber } from "../values/decimal.ts";
import { STRING } from "../values/type.ts";
import {
  ANYTHING,
  bool,
  isKnown,
  isNull,
  markSensitive,
  NULL,
  number,
  object,
  string,
  tuple,
  unknown,
  unmark,
  type Value,
} from "../values/value.ts";
import { evaluateConditional } from "./conditional.ts";
import { type Context, findLocal, type Step } from "./context.ts";
import { EvaluationError } from "./errors.ts";
import { getAttribute, getIndex } from "./follow.ts";
import { evaluateFor } from "./for.ts";
import { evaluateBinary, evaluateUnary } from "./operators.ts";
import { evaluateSplat } from "./splat.ts";

/**
 * The value of an expression. What can't be known is unknown, and so is everything that depends on it; what is wrong
 * throws an EvaluationError with the offset of the innermost part that is.
 */
export function evaluate(expression: Expression, context: Context): Value {
  context.budget.spend({ steps: 1 });
  try {
    return context.budget.deeper(() => evaluateNode(expression, context));
  } catch (error) {
    if (error instanceof ConversionError || error instanceof NumberRangeError) {
      const converted = new EvaluationError(asSentence(error.message), { cause: error });
      converted.offset = expression.at;
      throw converted;
    }
    if (error instanceof EvaluationError) error.offset ??= expression.at;
    throw error;
  }
}

function evaluateNode(expression: Expression, context: Context): Value {
  const inner = (child: Expression) => evaluate(child, context);
  switch (expression.type) {
    case "literal": {
      const { value } = expression;
      return typeof value === "string" ? string(value) : value === null ? NULL : bool(value);
    }
    case "number":
      return number(parseNumber(expression.digits) ?? refuse("This number can't be read."));
    case "template":
      return evaluateTemplate(expression.parts.map(inner), context);
    case "join":
      return evaluateJoin(inner(expression.of), context);
    case "name":
    case "attribute":
      return evaluateReference(expression, context) ?? evaluateAttribute(expression, context);
    case "index":
      return evaluateReference(expression, context) ?? getIndex(inner(expression.of), inner(expression.key));
    case "splat":
      return evaluateSplat(expression.of, expression.each, context);
    case "item":
      return context.item ?? refuse("A splat is missing here.");
    case "call":
      return callFunction(expression, context);
    case "conditional":
      return evaluateConditional(expression, context);
    case "unary":
      return evaluateUnary(expression.operator, inner(expression.operand));
    case "binary":
      return evaluateBinary(expression, context);
    case "tuple":
      context.budget.spend({ size: expression.items.length });
      return tuple(expression.items.map(inner));
    case "object":
      return evaluateObject(expression.items, context);
    case "for":
      return evaluateFor(expression, context);
  }
}

function evaluateAttribute(expression: Expression, context: Context): Value {
  if (expression.type !== "attribute") return refuse("A name is missing here.");
  return getAttribute(evaluate(expression.of, context), expression.name);
}

/** A name with the steps behind it; null when the chain begins with something else. */
function evaluateReference(expression: Expression, context: Context): Value | null {
  const chain = referenceSteps(expression);
  if (chain === null) return null;
  const [first] = chain;
  const local = findLocal(context.locals, String(first));
  const { value, taken } = local === undefined ? context.scope.resolve(chain) : { value: local, taken: 1 };
  return chain.slice(taken).reduce((found: Value, step, i) => {
    const isIndex = isIndexStep(expression, chain.length - taken - i - 1);
    if (!isIndex && typeof step === "string") return getAttribute(found, step);
    return getIndex(
      found,
      typeof step === "string" ? string(step) : number(parseNumber(String(step)) ?? refuse("")),
    );
  }, value);
}

/** The steps of `a.b["c"][0]`; null when it isn't a name that they follow, or a key is computed. */
export function referenceSteps(expression: Expression): Step[] | null {
  const steps: Step[] = [];
  let node = expression;
  for (;;) {
    if (node.type === "name") return [node.name, ...steps.reverse()];
    if (node.type === "attribute") {
      steps.push(node.name);
      node = node.of;
    } else if (node.type === "index" && node.key.type === "literal" && typeof node.key.value === "string") {
      steps.push(node.key.value);
      node = node.of;
    } else if (node.type === "index" && node.key.type === "number" && /^\d{1,9}$/.test(node.key.digits)) {
      steps.push(Number(node.key.digits));
      node = node.of;
    } else return null;
  }
}

/** Whether the step so many places before the end of the chain is written in brackets. */
function isIndexStep(expression: Expression, fromEnd: number): boolean {
  let node = expression;
  for (let i = 0; i < fromEnd && "of" in node; i += 1) node = node.of;
  return node.type === "index";
}

function evaluateTemplate(parts: Value[], context: Context): Value {
  let text = "";
  let isUnknown = false;
  for (const part of parts) {
    if (isNull(part)) return refuse("A null value can't be put into a text.");
    if (!isKnown(part)) isUnknown = true;
    else text += textOf(part);
    context.budget.spend({ size: isUnknown ? 0 : text.length });
  }
  return markSensitive(
    isUnknown ? unknown(STRING) : string(text),
    parts.some(({ sensitive }) => sensitive === true),
  );
}

function evaluateJoin(texts: Value, context: Context): Value {
  if (!isKnown(texts)) return markSensitive(unknown(STRING), texts.sensitive);
  const items = Array.isArray(texts.data) ? texts.data : [];
  return markSensitive(evaluateTemplate(items, context), texts.sensitive);
}

function textOf(value: Value): string {
  const { data } = convert(unmark(value), STRING);
  return typeof data === "string" ? data : refuse("A text is needed here.");
}

function evaluateObject(items: { key: Expression; value: Expression }[], context: Context): Value {
  context.budget.spend({ size: items.length });
  const entries = new Map<string, Value>();
  let isSensitive = false;
  let isUnknown = false;
  for (const item of items) {
    const key = evaluate(item.key, context);
    const value = evaluate(item.value, context);
    if (isNull(key)) return refuse("The key of an object can't be null.");
    isSensitive ||= key.sensitive === true;
    const name = convert(unmark(key), STRING).data;
    if (typeof name === "string") entries.set(name, value);
    else isUnknown = true;
  }
  return markSensitive(isUnknown ? ANYTHING : object(entries), isSensitive);
}

function refuse(message: string): never {
  throw new EvaluationError(message);
}

function asSentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
