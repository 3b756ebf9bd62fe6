import { expect, test } from "vitest";
import { TemplateError } from "../template-error.ts";
import { isAutoTfvars, parseTfvars } from "./parse-values-file.ts";

test("tfvars, JSON and YAML give the same values", async () => {
  const expected = { region: "eu", count: "3", on: "true", list: '["a","b"]', map: '{"k":"v"}' };
  const hcl =
    'region = "eu" # here\ncount = 3\non = true\nlist = ["a", "b"]\nmap = { k = "v" }\nnone = null\n';
  expect(await parseTfvars(hcl, "x.auto.tfvars")).toEqual(expected);
  const json = '{"region":"eu","count":3,"on":true,"list":["a","b"],"map":{"k":"v"},"none":null}';
  expect(await parseTfvars(json, "terraform.tfvars.json")).toEqual(expected);
  const yaml = "region: eu\ncount: 3\non: true\nlist: [a, b]\nmap: {k: v}\nnone:\n";
  expect(await parseTfvars(yaml, "values.yaml")).toEqual(expected);
  expect(await parseTfvars("", "values.yaml")).toEqual({});
});

test("a file that can't be used is refused with the place", async () => {
  const refusal = (text: string, file: string) => expect(parseTfvars(text, file)).rejects;
  await refusal("a = ", "x.tfvars").toThrow(/^x\.tfvars can't be read: x\.tfvars:1,\d+: /);
  await refusal("a = 1\nb = var.c\n", "x.tfvars").toThrow(/"b" at line 2.*var\.c/);
  await refusal('variable "a" {}\n', "x.tfvars").toThrow(/block at line 1/);
  await refusal("- a\n- b\n", "x.yaml").toThrow(/must hold names with values/);
  await refusal("a: [", "x.yaml").toThrow(TemplateError);
  await refusal("{", "x.tfvars.json").toThrow(TemplateError);
});

test("which files Terraform reads by itself", () => {
  const files = ["terraform.tfvars", "terraform.tfvars.json", "a.auto.tfvars", "a.auto.tfvars.json"];
  expect(files.every(isAutoTfvars)).toBe(true);
  expect(["a.tfvars", "sub/terraform.tfvars", "values.yaml"].some(isAutoTfvars)).toBe(false);
});
