// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are Terraform code.
import { describe, expect, test } from "vitest";
import { evaluateHere } from "../testing/evaluate-here.ts";
import { LimitError } from "./errors.ts";

const nested = (open: string, inner: string, close: string, times: number) =>
  open.repeat(times) + inner + close.repeat(times);
const doubled = (levels: number) => nested('[for x in ["a"] : "${', '"aaaaaaaaaa"', '}${x}"][0]', levels);
const loops = (levels: number, inner: string) =>
  Array.from({ length: levels }, () => "[for a in range(1000) : ").join("") + inner + "]".repeat(levels);

describe("a template can neither hang nor exhaust who evaluates it:", () => {
  const cases: [what: string, expression: string][] = [
    ["loops in loops", loops(4, "a")],
    ["loops in loops that try hides", `try(${loops(4, "a")}, 1)`],
    [
      "text that grows",
      `join("", [for a in range(1000) : join("", [for b in range(1000) : format("%0500d", b)])])`,
    ],
    ["indentation that grows", `[for a in range(100) : indent(100000, "\\n\\n\\n\\n\\n\\n\\n\\n")]`],
    ["products of lists", "setproduct(range(1000), range(1000), range(1000))"],
    [
      "replacements that grow",
      `replace(${"replace(".repeat(8)}"a"${', "a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")'.repeat(8)}, "a", "b")`,
    ],
    [
      "patterns that are tried again and again",
      `[for a in range(1000) : regexall("(.*)x|.", join("", range(1000)))]`,
    ],
  ];
  test.each(cases)("%s", (_, expression) => {
    expect(() => evaluateHere(expression)).toThrow(LimitError);
  });

  test("nested brackets are refused by the parser, far from the end of the stack", () => {
    expect(() => evaluateHere(nested("(", "1", ")", 100_000))).toThrow(/nested 120 deep at most/);
    expect(() => evaluateHere(nested("[", "", "]", 100_000))).toThrow(/nested 120 deep at most/);
    expect(() => evaluateHere(nested('"${', "1", '}"', 100_000))).toThrow(/nested 120 deep at most/);
    expect(() => evaluateHere(`1${" + 1".repeat(100_000)}`)).toThrow(/More than 300 operators/);
    expect(() => evaluateHere("-".repeat(100_000))).toThrow(/nested 120 deep at most/);
  });

  test("what is deep but usual is evaluated", () => {
    expect(evaluateHere(doubled(20)).data).toMatch(/^a+/);
    expect(evaluateHere(`1${" + 1".repeat(250)}`).type.kind).toBe("number");
  });

  test("numbers beyond all use are refused", () => {
    expect(() => evaluateHere("1e100000")).toThrow(/too many digits/);
    expect(() => evaluateHere(`${nested("(", "1e4000", " * 1e4000)", 5)}`)).toThrow(/too large/);
  });

  test("a deadline holds", () => {
    const started = performance.now();
    expect(() => evaluateHere(loops(5, "md5(a)"))).toThrow(LimitError);
    // Far more than the limit of two seconds, on a machine that is busy with other things.
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
