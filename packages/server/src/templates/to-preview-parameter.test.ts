import type { RichParameter } from "@slipway/template";
import { expect, test } from "vitest";
import { staticForm } from "./parameter-form.ts";
import { toPreviewParameter } from "./to-preview-parameter.ts";

const cpu: RichParameter = {
  name: "cpu",
  displayName: "CPU",
  description: "",
  type: "number",
  formType: "input",
  mutable: true,
  defaultValue: "",
  icon: "",
  options: [],
  validationMin: 1,
  validationMax: 8,
  required: true,
  ephemeral: false,
  order: 0,
};

async function previewParameters(found: RichParameter[], inputs: Record<string, string>) {
  return (await staticForm(found).render(inputs)).parameters.map(toPreviewParameter);
}

test.each([
  { inputs: {}, valid: false, code: "required" },
  { inputs: { cpu: "" }, valid: true, code: "required" },
  { inputs: { cpu: "9" }, valid: true, code: "invalid" },
  { inputs: { cpu: "4" }, valid: true, code: undefined },
])("inputs $inputs", async ({ inputs, valid, code }) => {
  const [preview] = await previewParameters([cpu], inputs);
  expect(preview?.value.valid).toBe(valid);
  expect(preview?.diagnostics[0]?.extra.code).toBe(code);
});

test("a default counts as a value until another is given", async () => {
  const withDefault = { ...cpu, required: false, defaultValue: "2" };
  expect((await previewParameters([withDefault], {}))[0]).toMatchObject({
    value: { value: "2", valid: true },
    diagnostics: [],
  });
  expect((await previewParameters([withDefault], { cpu: "3" }))[0]).toMatchObject({
    value: { value: "3", valid: true },
  });
});
