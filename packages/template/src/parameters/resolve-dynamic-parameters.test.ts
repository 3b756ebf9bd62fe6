import { describe, expect, test } from "vitest";
import { evaluateParameters } from "../hcl/module/evaluate-parameters.ts";
import { parseTemplateFiles } from "../hcl/module/parse-template.ts";
import { templateFilesOf } from "../hcl/module/template-source.ts";
import { type RenderParameters, resolveDynamicParameters } from "./resolve-dynamic-parameters.ts";
import type { ResolveInput } from "./resolve-parameters.ts";

const files = templateFilesOf(
  new Map([
    [
      "main.tf",
      `
data "coder_parameter" "size" {
  name    = "size"
  type    = "number"
  mutable = true
  default = 2
  validation { monotonic = "increasing" }
}
data "coder_parameter" "gpu" {
  count   = data.coder_parameter.size.value > 4 ? 1 : 0
  name    = "gpu"
  mutable = true
  default = data.coder_parameter.size.value > 8 ? "large" : "small"
  option {
    name  = "Small"
    value = "small"
  }
  dynamic "option" {
    for_each = data.coder_parameter.size.value > 8 ? ["large"] : []
    content {
      name  = title(option.value)
      value = option.value
    }
  }
}
data "coder_parameter" "disk" {
  name    = "disk"
  default = "ssd"
}
data "coder_parameter" "once" {
  name      = "once"
  mutable   = true
  ephemeral = true
  default   = "no"
}
data "coder_parameter" "broken" {
  count   = data.coder_parameter.size.value == 99 ? 1 : 0
  name    = "broken"
  default = nowhere.at.all
}
`,
    ],
  ]),
);
const template = await parseTemplateFiles(files);
const render: RenderParameters = async (inputs) => {
  const { parameters, diagnostics } = evaluateParameters(template, files, { inputs });
  return { parameters, errors: diagnostics.map(({ detail }) => detail) };
};

type Values = Record<string, string>;
const mapOf = (values: Values = {}) => new Map(Object.entries(values));

async function resolve(
  layers: { previous?: Values; request?: Values; preset?: Values },
  transition: ResolveInput["transition"] = "start",
) {
  const { values, errors } = await resolveDynamicParameters(render, {
    parameters: [],
    previous: mapOf(layers.previous),
    request: mapOf(layers.request),
    preset: mapOf(layers.preset),
    transition,
    isFirstBuild: layers.previous === undefined,
  });
  return {
    values: Object.fromEntries(values.map(({ name, value }) => [name, value])),
    refusals: errors.map(({ field, detail }) => `${field}: ${detail}`),
  };
}

const plain = { size: "2", disk: "ssd", once: "no" };

test("defaults are kept with the build, and only of parameters that there are", async () => {
  expect(await resolve({})).toEqual({ values: plain, refusals: [] });
  expect((await resolve({ request: { size: "6" } })).values).toEqual({ ...plain, size: "6", gpu: "small" });
  expect((await resolve({ request: { size: "9" } })).values).toEqual({ ...plain, size: "9", gpu: "large" });
});

test("the request counts more than the last build, and the preset more than both", async () => {
  const previous = { ...plain, size: "5", gpu: "small" };
  expect((await resolve({ previous })).values).toEqual(previous);
  expect((await resolve({ previous, request: { size: "9" } })).values).toEqual({ ...previous, size: "9" });
  expect(
    (await resolve({ previous, request: { size: "9" }, preset: { size: "10", gpu: "large" } })).values,
  ).toEqual({
    ...previous,
    size: "10",
    gpu: "large",
  });
});

test("a value of a former build whose parameter is gone, or was for that build only, is dropped", async () => {
  const previous = { size: "2", disk: "ssd", gpu: "small", old: "1", once: "yes" };
  expect((await resolve({ previous })).values).toEqual(plain);
  expect((await resolve({ previous, request: { once: "yes" } })).values).toEqual({ ...plain, once: "yes" });
});

describe("what is refused", () => {
  test.each<[string, Parameters<typeof resolve>[0], RegExp]>([
    [
      "a change of what is not mutable",
      { previous: { disk: "ssd" }, request: { disk: "hdd" } },
      /^disk: .*mutable/,
    ],
    ["a change in the wrong direction", { previous: { size: "5" }, request: { size: "4" } }, /^size: 4 must/],
    ["an option that these values do not offer", { request: { size: "5", gpu: "large" } }, /^gpu: .*option/],
    ["a parameter that these values do not have", { request: { gpu: "small" } }, /^gpu: .*with these values/],
  ])("%s", async (_, layers, refusal) => {
    expect((await resolve(layers)).refusals).toEqual([expect.stringMatching(refusal)]);
  });

  test("none of it where a workspace is stopped, which keeps its values", async () => {
    const previous = { size: "99", gpu: "gone", disk: "ssd", once: "no" };
    expect((await resolve({ previous }, "start")).refusals).not.toEqual([]);
    expect(await resolve({ previous }, "stop")).toEqual({ values: { ...previous }, refusals: [] });
  });
});
