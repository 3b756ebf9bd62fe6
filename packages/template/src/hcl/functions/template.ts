import type { Context, Step } from "../evaluate/context.ts";
import { EvaluationError } from "../evaluate/errors.ts";
import { evaluate, referenceSteps } from "../evaluate/evaluate.ts";
import { SyntaxProblem } from "../syntax/cursor.ts";
import type { Expression } from "../syntax/expression.ts";
import { parseTemplate } from "../syntax/parse-expression.ts";
import { convert } from "../values/convert.ts";
import { STRING } from "../values/type.ts";
import {
  ANYTHING,
  hasSensitive,
  isKnown,
  isNull,
  markSensitive,
  unknown,
  unmarkDeep,
  type Value,
} from "../values/value.ts";
import { entriesOf, refuse, textOf } from "./define.ts";
import { utf8 } from "./encoding.ts";
import { readBytes } from "./filesystem.ts";

const MAX_TEMPLATE_DEPTH = 16;
const MAX_TEMPLATE_LENGTH = 1024 * 1024;

/** `templatefile(path, variables)`: a file of the archive as a template. */
export function templateFile(args: readonly Value[], context: Context): Value {
  const [path, variables] = args;
  if (path === undefined || variables === undefined || args.length > 2)
    return refuse("templatefile takes 2 arguments.");
  const isSensitive = args.some(hasSensitive);
  if (isNull(path) || isNull(variables)) return refuse("No argument of templatefile can be null.");
  if (!isKnown(path)) return markSensitive(ANYTHING, isSensitive);
  const bytes = readBytes(textOf(convert(unmarkDeep(path), STRING)), context);
  if (bytes === null) return markSensitive(ANYTHING, isSensitive);
  return markSensitive(render(utf8(bytes, "The bytes of the template"), variables, context), isSensitive);
}

/** `templatestring(reference, variables)`. The template must be referred to by its name, by Terraform's rule. */
export function templateString(call: Extract<Expression, { type: "call" }>, context: Context): Value {
  const [source, second] = call.args;
  if (source === undefined || second === undefined || call.args.length > 2)
    return refuse("templatestring takes 2 arguments.");
  if (referenceSteps(source) === null)
    return refuse("The template of templatestring must be a reference, such as local.text.");
  const [template, variables] = [evaluate(source, context), evaluate(second, context)];
  const isSensitive = [template, variables].some(hasSensitive);
  if (isNull(template) || isNull(variables)) return refuse("No argument of templatestring can be null.");
  if (!isKnown(template)) return markSensitive(unknown(STRING), isSensitive);
  const rendered = render(textOf(convert(unmarkDeep(template), STRING)), variables, context);
  return markSensitive(convert(rendered, STRING), isSensitive);
}

function render(text: string, variables: Value, context: Context): Value {
  if (context.templateDepth >= MAX_TEMPLATE_DEPTH)
    return refuse(`Templates call templates more than ${MAX_TEMPLATE_DEPTH} deep.`);
  if (text.length > MAX_TEMPLATE_LENGTH) return refuse("A template may have 1 MiB.");
  if (!isKnown(variables)) return ANYTHING;
  const values = entriesOf(unmarkDeep(variables), "second argument");
  for (const name of values.keys()) {
    if (!/^[\p{ID_Start}_][\p{ID_Continue}-]*$/u.test(name))
      return refuse(`${JSON.stringify(name)} can't be the name of a variable.`);
  }
  context.budget.spend({ steps: text.length / 16 });
  const scope = {
    resolve([name]: readonly Step[]) {
      const value = values.get(String(name));
      return value === undefined ? refuse(`The template is given no variable ${name}.`) : { value, taken: 1 };
    },
  };
  try {
    const inner = { ...context, scope, locals: null, item: null, templateDepth: context.templateDepth + 1 };
    return evaluate(parseTemplate(text), inner);
  } catch (error) {
    if (error instanceof SyntaxProblem)
      return refuse(`The template is invalid at character ${error.offset + 1}: ${error.message}`, error);
    // Its place is one in the template's text, not in the expression that calls it.
    if (error instanceof EvaluationError)
      return refuse(`The template can't be rendered: ${error.message}`, error);
    throw error;
  }
}
