import { callFunction } from "./functions.ts";
import { isRecord } from "./hcl-json.ts";
import { runHclParser } from "./hcl-worker.ts";

/** A value of the language. Unknown values do not occur here: what can't be known is an EvaluationError. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

/** One step of a reference: `data`, `coder_parameter`, `region`, `value`, or an index. */
export type Step = string | number;

/** Gives the value that a reference means, or throws an EvaluationError. */
export type Scope = { lookup(steps: Step[]): Value | Promise<Value> };

/** The expression can't be evaluated here; the message is meant for the template's author. */
export class EvaluationError extends Error {}

/** The syntax tree as the parser gives it, as far as this evaluator reads it. */
type Node = {
  type: string;
  children: Node[];
  meta?: Record<string, unknown>;
  range: { start: { byte: number }; end: { byte: number } };
};

/** Evaluates the source of one expression. */
export async function evaluateExpression(source: string, scope: Scope): Promise<Value> {
  const tree = await parseExpression(source);
  return evaluateNode(tree, { scope, bytes: Buffer.from(source), quoted: true, depth: 0 });
}

/** The pairs of an object literal in their order, duplicates included; null for any other expression. */
export async function evaluateObjectPairs(
  source: string,
  scope: Scope,
): Promise<{ key: Value; value: () => Promise<Value> }[] | null> {
  const tree = await parseExpression(source);
  if (tree.type !== "object") return null;
  const context = { scope, bytes: Buffer.from(source), quoted: true, depth: 0 };
  return objectPairs(tree, context);
}

async function parseExpression(source: string): Promise<Node> {
  try {
    const tree = await runHclParser("getExpressionAst", "expression.tf", source);
    // The parser's tree: its shape is as in Node, which names no more of it than is read here.
    if (isRecord(tree)) return tree as unknown as Node;
  } catch (error) {
    throw new EvaluationError(error instanceof Error ? error.message : String(error));
  }
  throw new EvaluationError("The expression is empty.");
}

type Context = { scope: Scope; bytes: Buffer; quoted: boolean; depth: number };

const MAX_DEPTH = 200;

async function evaluateNode(node: Node, outer: Context): Promise<Value> {
  if (outer.depth > MAX_DEPTH)
    throw new EvaluationError(`The expression is nested more than ${MAX_DEPTH} deep.`);
  const context = { ...outer, depth: outer.depth + 1 };
  const operand = (i: number) => {
    const child = node.children[i];
    if (child === undefined) throw new EvaluationError("The expression is incomplete.");
    return evaluateNode(child, context);
  };
  switch (node.type) {
    case "literalValue":
      return literal(node, context.quoted);
    case "template":
      return template(node, context);
    case "templateWrap":
    case "":
      return operand(0);
    case "scopeTraversal":
      return context.scope.lookup(steps(node));
    case "relativeTraversal":
      return follow(await operand(0), steps(node));
    case "index": {
      const key = await operand(1);
      return follow(await operand(0), [typeof key === "number" ? key : asText(key)]);
    }
    case "conditional":
      return asBool(await operand(0)) ? operand(1) : operand(2);
    case "unaryOp":
      return node.meta?.operator === "negate" ? -asNumber(await operand(0)) : !asBool(await operand(0));
    case "binaryOp":
      return binary(String(node.meta?.operator), operand);
    case "tuple":
      return Promise.all(node.children.map((child) => evaluateNode(child, context)));
    case "object": {
      const result: Record<string, Value> = Object.create(null);
      for (const pair of await objectPairs(node, context)) result[asText(pair.key)] = await pair.value();
      return { ...result };
    }
    case "function":
      return callFunction(
        String(node.meta?.name),
        node.children.map((child) => () => evaluateNode(child, context)),
      );
    default:
      throw new EvaluationError(
        `A ${node.type} expression can't be used here. Use literals, var.*, data.coder_parameter.*, conditions and simple functions.`,
      );
  }
}

async function objectPairs(node: Node, context: Context) {
  const pairs: { key: Value; value: () => Promise<Value> }[] = [];
  for (let i = 0; i + 1 < node.children.length; i += 2) {
    const [key, value] = [node.children[i], node.children[i + 1]];
    if (key === undefined || value === undefined) break;
    // A bare word is a key by its own name; its node has no children, only a place.
    const isBare = key.type === "" && key.children.length === 0;
    const name = isBare
      ? context.bytes.subarray(key.range.start.byte, key.range.end.byte).toString("utf8")
      : await evaluateNode(key, context);
    pairs.push({ key: name, value: () => evaluateNode(value, context) });
  }
  return pairs;
}

async function template(node: Node, context: Context): Promise<Value> {
  const source = String(node.meta?.value ?? "");
  // Heredocs know no backslash escapes; a part of a directive is as the text around it.
  const quoted = source.startsWith("<<") ? false : source.startsWith('"') ? true : context.quoted;
  let text = "";
  for (const child of node.children) text += asText(await evaluateNode(child, { ...context, quoted }));
  return text;
}

function literal(node: Node, quoted: boolean): Value {
  const raw = String(node.meta?.value ?? "");
  switch (node.meta?.type) {
    case "string":
      return unescapeTemplate(quoted ? unescapeQuoted(raw) : raw);
    case "number":
      return Number(raw);
    case "bool":
      return raw === "true";
    default:
      return null;
  }
}

function unescapeQuoted(raw: string): string {
  const simple: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };
  return raw.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/gs, (all, short, long, char) => {
    const code = short ?? long;
    if (code === undefined) return simple[char] ?? all;
    const point = Number.parseInt(code, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : all;
  });
}

/** `$${` and `%%{` stand for the text that would otherwise begin an interpolation. */
export function unescapeTemplate(raw: string): string {
  return raw.replaceAll("$${", "${").replaceAll("%%{", "%{");
}

function steps(node: Node): Step[] {
  const traversal = Array.isArray(node.meta?.traversal) ? node.meta.traversal : [];
  return traversal.filter(isRecord).map((part) => {
    const segment = String(part.segment);
    if (part.type === "nameTraversal") return segment;
    return segment.startsWith('"') ? unescapeQuoted(segment.slice(1, -1)) : Number(segment);
  });
}

/** Follows attribute names and indexes into a value. */
export function follow(value: Value, path: Step[]): Value {
  let current = value;
  for (const step of path) {
    if (Array.isArray(current)) {
      const item = current[Number(step)];
      if (item === undefined) throw new EvaluationError(`The list has no element ${step}.`);
      current = item;
    } else if (isRecord(current) && Object.hasOwn(current, String(step))) {
      current = current[String(step)] ?? null;
    } else {
      throw new EvaluationError(`The value has no attribute ${JSON.stringify(step)}.`);
    }
  }
  return current;
}

/** Terraform's conversion to string. */
export function asText(value: Value): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new EvaluationError(`A ${value === null ? "null" : "list or map"} can't stand where text is needed.`);
}

/** Terraform's conversion to number. */
export function asNumber(value: Value): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && Number.isFinite(number)) return number;
  throw new EvaluationError(`${JSON.stringify(value)} is not a number.`);
}

/** Terraform's conversion to bool. */
export function asBool(value: Value): boolean {
  if (value === true || value === "true") return true;
  if (value === false || value === "false") return false;
  throw new EvaluationError(`${JSON.stringify(value)} is neither true nor false.`);
}

async function binary(operator: string, operand: (i: number) => Promise<Value>): Promise<Value> {
  const left = await operand(0);
  const right = await operand(1);
  const numbers = () => [asNumber(left), asNumber(right)] as const;
  switch (operator) {
    case "equal":
      return isSame(left, right);
    case "notEqual":
      return !isSame(left, right);
    case "logicalAnd":
      return asBool(left) && asBool(right);
    case "logicalOr":
      return asBool(left) || asBool(right);
  }
  const [a, b] = numbers();
  switch (operator) {
    case "add":
      return a + b;
    case "subtract":
      return a - b;
    case "multiply":
      return a * b;
    case "divide":
      if (b === 0) throw new EvaluationError("Division by zero.");
      return a / b;
    case "modulo":
      if (b === 0) throw new EvaluationError("Division by zero.");
      return a % b;
    case "lessThan":
      return a < b;
    case "lessThanOrEqual":
      return a <= b;
    case "greaterThan":
      return a > b;
    case "greaterThanOrEqual":
      return a >= b;
    default:
      throw new EvaluationError(`The operator ${operator} can't be used here.`);
  }
}

/** Equality as Terraform has it: values of different types differ. */
export function isSame(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => isSame(item, b[i] ?? null));
  }
  if (isRecord(a) && isRecord(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && isSame(a[key] ?? null, b[key] ?? null))
    );
  }
  return a === b;
}
