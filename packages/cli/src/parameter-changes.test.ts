import type { parameters } from "@slipway/api/client";
import { createColors } from "picocolors";
import { expect, test } from "vitest";
import { describeChanges, parameterChanges } from "./parameter-changes.ts";

function parameter(name: string, rest: object = {}): parameters.TemplateVersionParameter {
  return {
    name,
    description: "",
    description_plaintext: "",
    type: "string",
    form_type: "input",
    mutable: true,
    default_value: "",
    icon: "",
    options: [],
    required: false,
    ephemeral: false,
    ...rest,
  };
}

test("additions, removals and changes are told apart", () => {
  const option = (value: string) => ({ name: value, value, description: "", icon: "" });
  const changes = parameterChanges(
    [
      parameter("gone"),
      parameter("cpu", { default_value: "2" }),
      parameter("region", { options: [option("eu")] }),
      parameter("same"),
    ],
    [
      parameter("cpu", { default_value: "4", validation_max: 8 }),
      parameter("region", { options: [option("us")] }),
      parameter("same", { description_plaintext: "says the same" }),
      parameter("repo", { required: true }),
    ],
  );
  expect(describeChanges(changes, createColors(false))).toEqual([
    "- gone (string)",
    "+ repo (string, required)",
    '~ cpu: default value "2" → "4", validation max none → 8',
    "~ region: options changed",
  ]);
});

test("no change has no lines", () => {
  expect(describeChanges(parameterChanges([parameter("a")], [parameter("a")]), createColors(false))).toEqual(
    [],
  );
});
