import { expect, test } from "vitest";
import { evaluateParameters } from "./evaluate-parameters.ts";
import { parseTemplateFiles } from "./parse-template.ts";
import { planDataOf } from "./plan-data.ts";
import { templateFilesOf } from "./template-source.ts";

const source = (type: string, name: string, values: object, more: object = {}) => ({
  mode: "data",
  type,
  name,
  values,
  ...more,
});

const plan = {
  prior_state: {
    values: {
      root_module: {
        resources: [
          source("http", "regions", { body: '["eu","us"]' }),
          source("vault", "secret", { text: "hush" }, { sensitive_values: { text: true } }),
          source("zone", "each", { id: "a" }, { index: "first" }),
          source("zone", "counted", { id: "c1" }, { index: 1 }),
          source("zone", "counted", { id: "c0" }, { index: 0 }),
        ],
        child_modules: [
          {
            address: "module.net",
            child_modules: [
              { address: "module.net.module.sub", resources: [source("zone", "deep", { id: "deep" })] },
            ],
          },
        ],
      },
    },
  },
};

const code = `
data "http" "regions" {}
data "vault" "secret" {}
data "zone" "each" { for_each = toset(["first"]) }
data "zone" "counted" { count = 2 }
module "net" { source = "./net" }
data "coder_parameter" "region" {
  name    = "region"
  default = jsondecode(data.http.regions.body)[0]
  dynamic "option" {
    for_each = jsondecode(data.http.regions.body)
    content {
      name  = option.value
      value = option.value
    }
  }
}
data "coder_parameter" "zone" {
  name    = "zone"
  default = "\${data.zone.each["first"].id}-\${data.zone.counted[1].id}-\${module.net.id}"
}
data "coder_parameter" "secret" {
  name    = "secret"
  default = data.vault.secret.text
}
`;

test("forms show what the import's plan read from data sources, but nothing sensitive", async () => {
  const files = templateFilesOf(
    new Map([
      ["main.tf", code],
      ["net/main.tf", 'module "sub" { source = "./sub" }\noutput "id" { value = module.sub.id }\n'],
      ["net/sub/main.tf", 'data "zone" "deep" {}\noutput "id" { value = data.zone.deep.id }\n'],
    ]),
  );
  const template = await parseTemplateFiles(files);
  const { parameters } = evaluateParameters(template, files, { planData: planDataOf(plan) });
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  expect(byName.get("region")).toMatchObject({ value: "eu", options: [{ value: "eu" }, { value: "us" }] });
  expect(byName.get("zone")?.value).toBe("a-c1-deep");
  expect(byName.get("secret")).toMatchObject({ isDefaultKnown: false, diagnostics: [{ code: "unknown" }] });
  const without = evaluateParameters(template, files, { planData: planDataOf({}) }).parameters;
  expect(
    without.every(({ diagnostics }) => diagnostics.some(({ code: reason }) => reason === "unknown")),
  ).toBe(true);
});
