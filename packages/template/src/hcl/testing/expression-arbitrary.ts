// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are parts of Terraform code.
import fc from "fast-check";

const letters = fc.constantFrom("a", "b", "c", "ab", "", "x y", "é", "1", "2.5", "true", "A-b_c");
const textLiteral = letters.map((value) => JSON.stringify(value));
const numberLiteral = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map(String),
  fc.constantFrom("0.5", "1.25", "-3.75", "1e3", "12345678901234567890", "0.1"),
);
const boolLiteral = fc.constantFrom("true", "false");

const simpleLiteral = fc.oneof(textLiteral, numberLiteral, boolLiteral, fc.constant("null"));
const listLiteral = fc.array(simpleLiteral, { maxLength: 3 }).map((items) => `[${items.join(", ")}]`);
const objectLiteral = fc
  .uniqueArray(fc.tuple(fc.constantFrom("a", "b", "c"), fc.oneof(simpleLiteral, listLiteral)), {
    maxLength: 3,
    selector: ([key]) => key,
  })
  .map((items) => `{ ${items.map(([key, value]) => `${key} = ${value}`).join(", ")} }`);
const anyLiteral = fc.oneof(simpleLiteral, listLiteral, objectLiteral);

const conditional = (
  condition: fc.Arbitrary<string>,
  yes: fc.Arbitrary<string>,
  no: fc.Arbitrary<string>,
) => {
  return fc.tuple(condition, yes, no).map(([a, b, c]) => `(${a} ? ${b} : ${c})`);
};

const call = (name: string, ...args: fc.Arbitrary<string>[]) => {
  return fc.tuple(...args).map((written) => `${name}(${written.join(", ")})`);
};

const { expression } = fc.letrec<
  Record<"text" | "number" | "bool" | "list" | "object" | "any" | "expression", string>
>((tie) => {
  const [text, number, bool] = [tie("text"), tie("number"), tie("bool")];
  const [list, object, any] = [tie("list"), tie("object"), tie("any")];
  const depth = { maxDepth: 4, depthIdentifier: "expression" };
  const index = fc.integer({ min: 0, max: 3 });
  return {
    text: fc.oneof(
      depth,
      textLiteral,
      fc.tuple(text, any).map(([a, b]) => `"${"${"}${a}}-${"${"}${b}}"`),
      fc
        .tuple(list, text)
        .map(([a, b]) => `"%{for v in ${a}}${"${v}"}%{if v == ${b}}!%{else}?%{endif}%{endfor}"`),
      conditional(bool, textLiteral, fc.oneof(textLiteral, numberLiteral, boolLiteral)),
      call("upper", text),
      call("title", text),
      call("join", textLiteral, list),
      call("replace", text, textLiteral, text),
      call("substr", text, index.map(String), index.map(String)),
      call("tostring", any),
      call("jsonencode", any),
      call("format", fc.constantFrom('"%s|%5v"', '"%v %s"', '"%q%d"'), any, any),
      call("coalesce", any, text),
      call("trim", text, text),
      call("md5", text),
      call("yamlencode", any),
    ),
    number: fc.oneof(
      depth,
      numberLiteral,
      fc.tuple(number, fc.constantFrom("+", "-", "*", "%"), number).map(([a, op, b]) => `(${a} ${op} ${b})`),
      number.map((a) => `-${a}`),
      call("length", any),
      call("abs", number),
      call("floor", number),
      call("ceil", number),
      call("max", number, number),
      call("min", number, text),
      call("tonumber", text),
      call("sum", list),
      call("index", list, any),
      conditional(bool, numberLiteral, numberLiteral),
    ),
    bool: fc.oneof(
      depth,
      boolLiteral,
      fc.tuple(any, fc.constantFrom("==", "!="), any).map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc
        .tuple(number, fc.constantFrom("<", "<=", ">", ">="), number)
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc.tuple(bool, fc.constantFrom("&&", "||"), bool).map(([a, op, b]) => `(${a} ${op} ${b})`),
      bool.map((a) => `!${a}`),
      call("can", any),
      call("contains", list, any),
      call("startswith", text, text),
      call("alltrue", list),
    ),
    list: fc.oneof(
      depth,
      fc.array(any, { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
      fc.array(number, { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
      fc.tuple(list, any).map(([a, b]) => `[for i, v in ${a} : [i, v] if v != ${b}]`),
      fc.tuple(list, text).map(([a, b]) => `[for v in ${a} : "${"${v}"}${"${"}${b}}"]`),
      list.map((a) => `${a}[*]`),
      object.map((a) => `values(${a})`),
      object.map((a) => `keys(${a})`),
      call("concat", list, list),
      call("distinct", list),
      call("flatten", list),
      call("reverse", list),
      call("sort", list),
      call("slice", list, index.map(String), index.map(String)),
      call("compact", list),
      call("tolist", list),
      call("toset", list),
      call("setunion", list, list),
      call("setintersection", list, list),
      call("setsubtract", list, list),
      call("setproduct", list, list),
      call("chunklist", list, index.map(String)),
      call("split", textLiteral, text),
      call("range", index.map(String)),
      conditional(bool, listLiteral, listLiteral),
    ),
    object: fc.oneof(
      depth,
      fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), any), { maxLength: 3 }).map((items) => {
        return `{ ${items.map(([key, value]) => `${key} = ${value}`).join(", ")} }`;
      }),
      fc.tuple(list, text).map(([a, b]) => `{ for i, v in ${a} : "k${"${i}"}" => ${b} }`),
      list.map((a) => `{ for v in ${a} : "${"${v}"}" => v... }`),
      call("merge", object, object),
      call("tomap", object),
      call("zipmap", list, list),
      conditional(bool, objectLiteral, objectLiteral),
    ),
    any: fc.oneof(
      depth,
      textLiteral,
      numberLiteral,
      boolLiteral,
      text,
      number,
      bool,
      list,
      object,
      call("try", any, any),
      call("lookup", object, textLiteral, any),
      call("element", list, index.map(String)),
      call("jsondecode", call("jsonencode", any)),
      fc.tuple(list, index).map(([a, i]) => `${a}[${i}]`),
      object.map((a) => `${a}.a`),
      conditional(bool, anyLiteral, anyLiteral),
    ),
    expression: fc.oneof(text, number, bool, list, object, any),
  };
});

/**
 * Expressions of every kind, mostly of types that fit, for comparison with Terraform. Left out is what is known to differ:
 * division by zero, nulls for `format`, and conditions whose results fail.
 */
export const expressionArbitrary = expression;
