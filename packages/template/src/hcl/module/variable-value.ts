import { EvaluationError } from "../evaluate/errors.ts";
import { SyntaxProblem } from "../syntax/cursor.ts";
import type { Expression } from "../syntax/expression.ts";
import { parseExpression } from "../syntax/parse-expression.ts";
import { DYNAMIC, withoutOptional } from "../values/type.ts";
import { isNull, markSensitive, string, unknown, type Value } from "../values/value.ts";
import type { ModuleInstance } from "./module-instance.ts";
import type { ParsedBlock } from "./parsed-template.ts";
import { applyConstraint, type Constraint, readConstraint } from "./type-constraint.ts";

/**
 * The value of a variable: of a module's, what its call gives; of the root's, the archive's values files before what
 * is given, as Terraform has it; else the default. Unknown when there is none.
 */
export function variableValue(instance: ModuleInstance, block: ParsedBlock, fromCall: Value | null): Value {
  const constraint = constraintOf(instance, block);
  const fallback =
    block.arguments.default === undefined ? null : instance.evaluate(block.arguments.default, {});
  const given = instance.path === "" ? rootValue(instance, block, constraint) : fromCall;
  const usesFallback =
    given === null || (isNull(given) && !isTrue(instance, block, "nullable", true) && fallback !== null);
  const value = usesFallback ? fallback : given;
  const isSensitive = isTrue(instance, block, "sensitive", false);
  if (value === null) return markSensitive(unknown(withoutOptional(constraint.type)), isSensitive);
  return markSensitive(applyConstraint(value, constraint), isSensitive);
}

function constraintOf(instance: ModuleInstance, block: ParsedBlock): Constraint {
  const { type } = block.arguments;
  if (type === undefined) return { type: DYNAMIC };
  return readConstraint(type.tree, (tree: Expression) => instance.evaluate({ ...type, tree }, {}));
}

function rootValue(instance: ModuleInstance, block: ParsedBlock, constraint: Constraint): Value | null {
  const name = block.labels[0] ?? "";
  const { inputs, tfvars } = instance.evaluation;
  const fromFile = tfvars.get(name);
  if (fromFile !== undefined) return fromFile;
  const given = Object.hasOwn(inputs.variables ?? {}, name) ? inputs.variables?.[name] : undefined;
  if (given === undefined) return null;
  // Text is taken as it is where a primitive, or nothing in particular, is expected, and else read as an expression.
  const { kind } = constraint.type;
  const isText =
    kind === "string" || kind === "number" || kind === "bool" || block.arguments.type === undefined;
  return isText ? string(given) : readText(instance, name, given);
}

function readText(instance: ModuleInstance, name: string, text: string): Value {
  try {
    const tree = parseExpression(text.trim());
    return instance.evaluate({ tree, text, file: `the value of var.${name}`, line: 1, column: 1 }, {});
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    throw new EvaluationError(`The value of the variable "${name}" can't be read: ${error.message}`, {
      cause: error,
    });
  }
}

function isTrue(instance: ModuleInstance, block: ParsedBlock, name: string, absent: boolean): boolean {
  const argument = block.arguments[name];
  return argument === undefined ? absent : instance.evaluate(argument, {}).data === true;
}
