import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { LogLevel, PresetSchema } from "@slipway/proto/provisioner";
import { templateFilesOf } from "@slipway/template";
import { describe, expect, test } from "vitest";
import { externalAuthFromPlan } from "./external-auth-from-plan.ts";
import { openImportForm } from "./import-form.ts";
import { judgePresets } from "./judge-presets.ts";
import { parametersFromPlan } from "./parameters-from-plan.ts";
import { presetsFromPlan } from "./presets-from-plan.ts";

const recorded: unknown = JSON.parse(
  readFileSync(new URL("testdata/full/plan.json", import.meta.url), "utf8"),
);
/** A plan that has read data sources of one type, as `address: values`. */
const planOf = (type: string, sources: Record<string, object>) => ({
  planned_values: { root_module: {} },
  prior_state: {
    values: {
      root_module: {
        resources: Object.entries(sources).map(([name, values]) => ({
          address: `data.${type}.${name}`,
          mode: "data",
          type,
          name,
          values,
        })),
      },
    },
  },
});

describe("parameters", () => {
  test("come by order, then name, those of modules too", () => {
    const { parameters, diagnostics } = parametersFromPlan(recorded);
    expect(diagnostics).toEqual([]);
    expect(parameters.map(({ name, order }) => [order, name])).toEqual([
      [0, "inner"],
      [0, "needed"],
      [1, "image"],
      [1, "project"],
      [2, "size"],
    ]);
  });

  test("keep all that was said about them", () => {
    const [inner, needed, image, project, size] = parametersFromPlan(recorded).parameters;
    expect(inner).toMatchObject({
      type: "bool",
      formType: "checkbox",
      ephemeral: true,
      mutable: true,
      defaultValue: "false",
    });
    expect(needed).toMatchObject({
      type: "list(string)",
      formType: "tag-select",
      required: true,
      defaultValue: "",
    });
    expect(image).toMatchObject({
      required: false,
      defaultValue: "debian",
      icon: "/icon/image.svg",
      formType: "radio",
      options: [
        { name: "Debian", value: "debian" },
        { name: "Alpine", value: "alpine", description: "small", icon: "/icon/alpine.svg" },
      ],
    });
    expect(project).toMatchObject({ validationRegex: "^[a-z0-9]+$", validationError: "lower case only" });
    expect(project?.validationMin).toBeUndefined();
    expect(size).toMatchObject({
      displayName: "Size",
      description: "How many cores",
      type: "number",
      defaultValue: "2",
      validationMin: 1,
      validationMax: 8,
      validationMonotonic: "increasing",
      validationError: "between {min} and {max}",
    });
  });

  test("with one name twice, or none, are refused", () => {
    const plan = planOf("coder_parameter", { a: { name: "x" }, b: { name: "x" }, c: { name: null } });
    const { parameters, diagnostics } = parametersFromPlan(plan);
    expect(parameters).toHaveLength(1);
    expect(diagnostics).toMatchObject([
      {
        severity: LogLevel.ERROR,
        summary: "Duplicate parameter",
        detail: expect.stringContaining("data.coder_parameter.b"),
      },
      { severity: LogLevel.ERROR, summary: "Parameter without a name" },
    ]);
  });
});

describe("presets", () => {
  test("keep their values and their prebuilds", () => {
    const { presets, diagnostics } = presetsFromPlan(recorded);
    expect(diagnostics).toEqual([]);
    expect(presets).toMatchObject([
      {
        name: "Small",
        description: "a small one",
        icon: "/icon/small.svg",
        default: true,
        parameters: [
          { name: "image", value: "alpine" },
          { name: "size", value: "1" },
        ],
        prebuild: {
          instances: 2,
          expirationTtlSeconds: 86400,
          schedulingJson: '{"timezone":"UTC","schedule":[{"cron":"* 8-18 * * 1-5","instances":3}]}',
        },
      },
    ]);
  });

  test("of one name, and two defaults, are refused", () => {
    const plan = planOf("coder_workspace_preset", {
      a: { name: "A", default: true },
      b: { name: "B", default: true },
      c: { name: "A" },
    });
    const { presets, diagnostics } = presetsFromPlan(plan);
    expect(presets.map(({ name }) => name)).toEqual(["A", "B"]);
    expect(diagnostics).toMatchObject([
      { severity: LogLevel.ERROR, summary: "Duplicate preset" },
      { severity: LogLevel.ERROR, detail: '"A" and "B" are both the default. Keep one.' },
    ]);
  });
});

test("a preset is judged by the parameters that its own values make appear", async () => {
  const source = `
data "coder_parameter" "region" {
  name    = "region"
  default = "eu"
}
data "coder_parameter" "gpu" {
  count   = data.coder_parameter.region.value == "us" ? 1 : 0
  name    = "gpu"
  default = "a100"
  option {
    name  = "A100"
    value = "a100"
  }
}
`;
  const form = await openImportForm(templateFilesOf(new Map([["main.tf", source]])), []);
  const preset = (name: string, values: Record<string, string>) =>
    create(PresetSchema, {
      name,
      parameters: Object.entries(values).map(([key, value]) => ({ name: key, value })),
    });
  const judge = (values: Record<string, string>) => judgePresets([preset("P", values)], [], form);
  expect(judge({ region: "us", gpu: "a100" })).toEqual([]);
  expect(judge({ region: "us", gpu: "b200" })).toMatchObject([
    { severity: LogLevel.WARN, summary: "Invalid value in a preset", detail: expect.stringContaining("gpu") },
  ]);
  expect(judge({ region: "eu", gpu: "a100" })).toMatchObject([
    { severity: LogLevel.WARN, detail: 'The preset "P" sets "gpu", which the template does not ask for.' },
  ]);
});

test("external accounts come once each, by id, required when any use is", () => {
  expect(externalAuthFromPlan(recorded)).toMatchObject([{ id: "github", optional: true }]);
  const plan = planOf("coder_external_auth", {
    a: { id: "z", optional: true },
    b: { id: "github", optional: true },
    c: { id: "github", optional: null },
  });
  expect(externalAuthFromPlan(plan)).toMatchObject([
    { id: "github", optional: false },
    { id: "z", optional: true },
  ]);
});
