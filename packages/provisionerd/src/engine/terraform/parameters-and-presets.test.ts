import { readFileSync } from "node:fs";
import { LogLevel } from "@slipway/proto/provisioner";
import { describe, expect, test } from "vitest";
import { externalAuthFromPlan } from "./external-auth-from-plan.ts";
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
    const { parameters } = parametersFromPlan(recorded);
    const { presets, diagnostics } = presetsFromPlan(recorded, parameters);
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

  test("warn of unknown parameters; one name or two defaults are refused", () => {
    const plan = planOf("coder_workspace_preset", {
      a: { name: "A", default: true, parameters: { absent: "x" } },
      b: { name: "B", default: true },
      c: { name: "A" },
    });
    const { presets, diagnostics } = presetsFromPlan(plan, []);
    expect(presets.map(({ name }) => name)).toEqual(["A", "B"]);
    expect(diagnostics).toMatchObject([
      { severity: LogLevel.WARN, detail: expect.stringContaining('"absent"') },
      { severity: LogLevel.ERROR, summary: "Duplicate preset" },
      { severity: LogLevel.ERROR, detail: '"A" and "B" are both the default. Keep one.' },
    ]);
  });
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
