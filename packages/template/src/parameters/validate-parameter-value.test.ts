import { describe, expect, test } from "vitest";
import type { RichParameter } from "./rich-parameter.ts";
import { validateParameterDefinition, validateParameterValue } from "./validate-parameter-value.ts";

const parameter = (fields: Partial<RichParameter> = {}): RichParameter => ({
  name: "p",
  displayName: "",
  description: "",
  type: "string",
  formType: "input",
  mutable: true,
  defaultValue: "",
  icon: "",
  options: [],
  required: false,
  ephemeral: false,
  order: 0,
  ...fields,
});
const options = (...values: string[]) =>
  values.map((value) => ({ name: value, value, description: "", icon: "" }));

describe("values (provisioning.md §13.3)", () => {
  const number = parameter({ type: "number", validationMin: 1, validationMax: 10 });
  const list = parameter({ type: "list(string)" });
  const multi = parameter({ type: "list(string)", formType: "multi-select", options: options("a", "b") });
  const regex = parameter({ validationRegex: "[0-9]+", validationError: "{value} has no digit" });
  const up = parameter({ type: "number", validationMonotonic: "increasing" });
  const down = parameter({ type: "number", validationMonotonic: "decreasing" });

  const good: [what: string, parameter: RichParameter, value: string, previous?: string][] = [
    ["nothing, where nothing is asked for", parameter(), ""],
    ["nothing, for a free number", parameter({ type: "number" }), ""],
    ["an option", parameter({ options: options("a", "b") }), "b"],
    ["the lower bound", number, "1"],
    ["the upper bound", number, "10"],
    ["a fraction", number, "1.5"],
    ["true", parameter({ type: "bool" }), "true"],
    ["a list", list, '["a","b"]'],
    ["an empty list", list, "[]"],
    ["options of a multi-select", multi, '["b"]'],
    ["a match anywhere", regex, "abc1"],
    ["an equal value where it may only grow", up, "5", "5"],
    ["a greater one", up, "6", "5"],
    ["a smaller one where it may only shrink", down, "4", "5"],
    ["any number after a value that is none", up, "1", "old"],
    ["the first value of all", up, "1"],
  ];
  test.each(good)("good: %s", (_, p, value, previous) => {
    expect(validateParameterValue(p, value, previous)).toBeNull();
  });

  const bad: [what: string, parameter: RichParameter, value: string, message: RegExp, previous?: string][] = [
    ["a value outside the options", parameter({ options: options("a") }), "x", /must be a valid option.*"a"/],
    ["text for a number", number, "ten", /not a number/],
    ["hexadecimal", number, "0x5", /not a number/],
    ["infinity", number, "1e999", /not a number/],
    ["nothing for a bounded number", number, "", /not a number/],
    ["below the minimum", number, "0", /less than the minimum of 1/],
    ["above the maximum", number, "10.1", /more than the maximum of 10/],
    ["yes for a bool", parameter({ type: "bool" }), "yes", /either "true" or "false"/],
    ["True for a bool", parameter({ type: "bool" }), "True", /either "true" or "false"/],
    ["text for a list", list, "a,b", /JSON array of strings/],
    ["numbers in a list", list, "[1]", /JSON array of strings/],
    ["a stray option of a multi-select", multi, '["a","x"]', /"x" must be a valid option/],
    ["no match", regex, "abc", /^abc has no digit$/],
    ["a smaller one where it may only grow", up, "4", /equal to or greater than the previous value, 5/, "5"],
    ["a greater one where it may only shrink", down, "6", /equal to or less than the previous value, 5/, "5"],
  ];
  test.each(bad)("bad: %s", (_, p, value, message, previous) => {
    expect(validateParameterValue(p, value, previous)).toMatch(message);
  });

  test("the author's message is filled in", () => {
    const p = parameter({ ...number, validationError: "{value} is not within {min} and {max} ({other})" });
    expect(validateParameterValue(p, "11")).toBe("11 is not within 1 and 10 ({other})");
  });

  test("a pattern that other engines try without end is judged like any other", () => {
    const p = parameter({ validationRegex: "^(([a-z])+.)+[A-Z]([a-z])+$", validationError: "no" });
    expect(validateParameterValue(p, "a".repeat(60_000))).toBe("no");
    expect(validateParameterValue(p, `${"a".repeat(60_000)}Za`)).toBeNull();
  });

  test("a pattern that is none is named", () => {
    const p = parameter({ validationRegex: "(", validationError: "no" });
    expect(validateParameterValue(p, "x")).toMatch(/pattern "\(" can't be checked/);
  });
});

describe("definitions", () => {
  test("good ones have no problems", () => {
    expect(validateParameterDefinition(parameter({ options: options("a", "b"), defaultValue: "a" }))).toEqual(
      [],
    );
    expect(
      validateParameterDefinition(
        parameter({
          type: "list(string)",
          formType: "multi-select",
          options: options("a"),
          defaultValue: '["a"]',
        }),
      ),
    ).toEqual([]);
  });

  const cases: [what: string, fields: Partial<RichParameter>, problem: RegExp][] = [
    ["duplicate options", { options: options("a", "a") }, /unique/],
    ["an option of another type", { type: "number", options: options("a") }, /does not fit the type number/],
    ["a range for text", { validationMin: 1 }, /type number only/],
    [
      "a pattern for a number",
      { type: "number", validationRegex: "x", validationError: "e" },
      /type string only/,
    ],
    ["a pattern without a message", { validationRegex: "x" }, /needs an error/],
    ["an ephemeral one without a default", { ephemeral: true, required: true }, /needs a default/],
    ["an ephemeral one that can't change", { ephemeral: true, mutable: false }, /must be mutable/],
    [
      "a default that breaks its rules",
      { type: "number", validationMax: 3, defaultValue: "4" },
      /default breaks.*maximum of 3/,
    ],
    ["a default outside the options", { options: options("a"), defaultValue: "b" }, /must be a valid option/],
  ];
  test.each(cases)("%s", (_, fields, problem) => {
    expect(validateParameterDefinition(parameter(fields)).join("\n")).toMatch(problem);
  });
});
