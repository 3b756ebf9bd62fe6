// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are Terraform code.
import { matchesGoPattern, templateFilesOf } from "@slipway/template";
import { expect, test } from "vitest";
import { openImportForm } from "./import-form.ts";
import { placeholderValues } from "./placeholder-values.ts";
import { sampleOfPattern } from "./sample-of-pattern.ts";

const parameter = (name: string, body: string) =>
  `data "coder_parameter" "${name}" {\n  name = "${name}"\n${body}\n}\n`;
const valuesOf = async (...parameters: string[]) =>
  Object.fromEntries(
    placeholderValues(
      await openImportForm(templateFilesOf(new Map([["main.tf", parameters.join("")]])), [
        { name: "given", value: "3" },
      ]),
    ).map(({ name, value }) => [name, value]),
  );

test("parameters that must be chosen get a value that keeps their rules", async () => {
  const values = await valuesOf(
    parameter("ticket", 'validation {\n regex = "^[A-Z]{2,5}-\\\\d+$"\n error = "a ticket"\n}'),
    parameter("cpu", 'type = "number"\nvalidation {\n min = 2\n max = 8\n}'),
    parameter("free", 'type = "number"\nvalidation {\n monotonic = "increasing"\n}'),
  );
  expect(values).toEqual({ ticket: "AA-0", cpu: "2", free: "0" });
});

test("rules are evaluated, also those of parameters that depend on others", async () => {
  const values = await valuesOf(
    'variable "given" {}\nlocals { letters = "[a-z]{2}" }\n',
    parameter("count", 'type = "number"\nvalidation {\n min = var.given\n}'),
    parameter("team", 'validation {\n regex = "^${local.letters}$"\n error = "two letters"\n}'),
    parameter(
      "more",
      'count = data.coder_parameter.count.value == "3" ? 1 : 0\ntype = "number"\nvalidation {\n max = 7\n}',
    ),
  );
  expect(values).toEqual({ count: "3", team: "aa", more: "7" });
});

test("those with a default, without a rule, or with a rule that only the plan knows get none", async () => {
  const values = await valuesOf(
    parameter("region", 'default = "eu"\nvalidation {\n regex = "^e"\n error = "e"\n}'),
    parameter("name", ""),
    parameter("size", 'type = "number"\nvalidation {\n min = var.least\n}'),
    parameter("code", `validation {\n regex = "^\${var.prefix}"\n error = "no"\n}`),
  );
  expect(values).toEqual({});
});

test.each([
  "^https://[^/]+/.+$",
  "^(?:dev|prod)-[[:alnum:]]{3}$",
  "^[^\\s@]+@example\\.com$",
  "^(?P<name>[a-z][a-z0-9-]*)(?:/[a-z]+)?$",
  "(?i)^ABC$",
  "^.{8,}$",
  "^[]a]$",
])("%s has a sample", (pattern) => {
  const sample = sampleOfPattern(pattern);
  expect(sample).not.toBeNull();
  expect(matchesGoPattern(pattern, sample ?? "")).toBe(true);
});

test.each(["^a\\bc$", "^\\p{Greek}$", "^(", "^a{2000}$"])("%s has none that is sought", (pattern) => {
  expect(sampleOfPattern(pattern)).toBeNull();
});
