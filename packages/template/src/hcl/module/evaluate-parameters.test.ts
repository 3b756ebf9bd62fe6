// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are Terraform code.
import { describe, expect, test } from "vitest";
import { evaluateParameters } from "./evaluate-parameters.ts";
import type { EvaluationInputs } from "./evaluation-inputs.ts";
import { parseTemplateFiles } from "./parse-template.ts";
import type { ParsedTemplate } from "./parsed-template.ts";
import { templateFilesOf } from "./template-source.ts";

const template = `
variable "regions" {
  type    = map(object({ name = string, icon = optional(string, "/icon/flag.svg") }))
  default = { eu = { name = "Europe" }, us = { name = "America", icon = "/us.svg" } }
}
data "coder_workspace_owner" "me" {}
locals {
  is_admin = contains(data.coder_workspace_owner.me.groups, "admin")
  sizes    = data.coder_parameter.region.value == "eu" ? [1, 2, 4] : [1, 2]
}
data "coder_parameter" "region" {
  name         = "region"
  display_name = "Region"
  order        = 1
  mutable      = true
  default      = keys(var.regions)[0]
  form_type    = "dropdown"
  styling      = jsonencode({ placeholder = "Where?" })
  dynamic "option" {
    for_each = var.regions
    content {
      name  = option.value.name
      value = option.key
      icon  = option.value.icon
    }
  }
}
data "coder_parameter" "cpus" {
  name    = "cpus"
  type    = "number"
  order   = 2
  default = local.sizes[0]
  validation {
    min = min(local.sizes...)
    max = max(local.sizes...)
    error = "from {min} to {max}"
  }
}
data "coder_parameter" "debug" {
  count   = local.is_admin ? 1 : 0
  name    = "debug"
  type    = "bool"
  order   = 3
  default = false
}
data "coder_parameter" "project" {
  name  = "project"
  order = 4
}
data "coder_parameter" "repo" {
  for_each = toset(compact(split(",", data.coder_parameter.project.value)))
  name     = "repo-\${each.key}"
  default  = "git@\${each.key}"
  order    = 5
}
`;

const owner = {
  id: "1",
  name: "ann",
  full_name: "Ann",
  email: "a@example.com",
  ssh_public_key: "",
  groups: ["admin"],
  login_type: "password",
  rbac_roles: [],
};

async function evaluate(text: string, inputs: EvaluationInputs = {}, more: Record<string, string> = {}) {
  const files = templateFilesOf(new Map(Object.entries({ "main.tf": text, ...more })));
  const parsed = await parseTemplateFiles(files);
  // A template is stored as JSON between its parsing and its evaluations.
  const stored: ParsedTemplate = JSON.parse(JSON.stringify(parsed));
  const { parameters, diagnostics } = evaluateParameters(stored, files, inputs);
  return { parameters, diagnostics, named: Object.fromEntries(parameters.map((each) => [each.name, each])) };
}

test("a value that breaks a rule of a module's variable is told in the form", async () => {
  const files = templateFilesOf(
    new Map([
      [
        "main.tf",
        'data "coder_parameter" "size" {\n  name = "size"\n  default = 2\n}\nmodule "m" {\n  source = "./m"\n  size = data.coder_parameter.size.value\n}\n',
      ],
      [
        "m/main.tf",
        'variable "size" {\n  type = number\n  validation {\n    condition = var.size < 5\n    error_message = "${var.size} is too much."\n  }\n}\n',
      ],
    ]),
  );
  const template = await parseTemplateFiles(files);
  const diagnosticsOf = (size: string) =>
    evaluateParameters(template, files, { inputs: { size } }).diagnostics;
  expect(diagnosticsOf("4")).toEqual([]);
  expect(diagnosticsOf("7")).toMatchObject([
    {
      severity: "error",
      summary: "Invalid value for variable",
      detail: expect.stringMatching(/^7 is too much\./),
      file: "main.tf",
      line: 7,
    },
  ]);
});

describe("parameters that depend on other things", () => {
  test("defaults, options, forms and rules are evaluated", async () => {
    const { parameters, diagnostics } = await evaluate(template, { owner, inputs: { project: "a,b" } });
    expect(diagnostics).toEqual([]);
    expect(parameters.map(({ name }) => name)).toEqual([
      "region",
      "cpus",
      "debug",
      "project",
      "repo-a",
      "repo-b",
    ]);
    expect(parameters[0]).toMatchObject({
      displayName: "Region",
      formType: "dropdown",
      styling: { placeholder: "Where?" },
      mutable: true,
      required: false,
      value: "eu",
      defaultValue: "eu",
      options: [
        { name: "Europe", value: "eu", icon: "/icon/flag.svg", description: "" },
        { name: "America", value: "us", icon: "/us.svg", description: "" },
      ],
      diagnostics: [],
    });
    expect(parameters[1]).toMatchObject({
      type: "number",
      formType: "input",
      validationMin: 1,
      validationMax: 4,
    });
    expect(parameters[2]).toMatchObject({ type: "bool", formType: "checkbox", value: "false" });
    expect(parameters[4]).toMatchObject({ value: "git@a" });
  });

  test("another input gives other rules, and another owner other parameters", async () => {
    const inputs = { region: "us", cpus: "4", project: "" };
    const { named } = await evaluate(template, { owner: { ...owner, groups: [] }, inputs });
    expect(named.debug).toBeUndefined();
    expect(named.cpus).toMatchObject({
      value: "4",
      validationMax: 2,
      diagnostics: [{ code: "invalid", detail: "from 1 to 2" }],
    });
    expect(named.project).toMatchObject({ required: true, diagnostics: [{ code: "required" }] });
  });

  test("what depends on a value that is not there is said to be unknown, never guessed", async () => {
    const { parameters, diagnostics } = await evaluate(template, {});
    expect(parameters.map(({ name }) => name)).toEqual(["region", "cpus", "project"]);
    expect(diagnostics.map(({ detail }) => detail)).toEqual([
      expect.stringContaining('"debug"'),
      expect.stringContaining('"repo"'),
    ]);
  });

  test("parameters of modules are asked for too, and of each instance of one", async () => {
    const main =
      'module "m" {\n  source = "./mod"\n  for_each = { a = "x", b = "y" }\n  suffix = each.key\n  text = each.value\n}\n';
    const inner =
      'variable "suffix" {}\nvariable "text" {}\ndata "coder_parameter" "p" {\n  name = "p-${var.suffix}"\n  default = var.text\n}\n';
    const { parameters } = await evaluate(main, {}, { "mod/main.tf": inner });
    expect(parameters.map(({ name, value }) => [name, value])).toEqual([
      ["p-a", "x"],
      ["p-b", "y"],
    ]);
  });

  test("modules that init brought are found by its manifest", async () => {
    const main = 'module "m" { source = "registry.example/x/y" }\n';
    const manifest = JSON.stringify({ Modules: [{ Key: "m", Source: "x", Dir: ".terraform/modules/m" }] });
    const { parameters } = await evaluate(
      main,
      {},
      {
        ".terraform/modules/modules.json": manifest,
        ".terraform/modules/m/main.tf": 'data "coder_parameter" "p" {\n  name = "p"\n  default = 1\n}\n',
      },
    );
    expect(parameters).toMatchObject([{ name: "p", value: "1" }]);
  });

  test("override files change single arguments", async () => {
    const { named } = await evaluate(
      template,
      { owner },
      {
        "override.tf": 'data "coder_parameter" "region" {\n  default = "us"\n}\n',
      },
    );
    expect(named.region).toMatchObject({ value: "us", displayName: "Region" });
  });

  test("the JSON syntax", async () => {
    const text = JSON.stringify({
      data: {
        coder_parameter: {
          p: {
            name: "p",
            default: '${upper("a")}',
            option: [
              { name: "A", value: "A" },
              { name: "B", value: '${lower("B")}' },
            ],
          },
        },
      },
    });
    const { parameters } = await evaluate("", {}, { "p.tf.json": text });
    expect(parameters).toMatchObject([
      { name: "p", value: "A", formType: "radio", options: [{ value: "A" }, { value: "b" }] },
    ]);
  });
});

describe("what is wrong is told with its place", () => {
  const problems = async (body: string, inputs?: EvaluationInputs) => {
    const text = `data "coder_parameter" "p" {\n  name = "p"\n${body}\n}\n`;
    const { parameters, diagnostics } = await evaluate(text, inputs);
    return [...diagnostics, ...(parameters[0]?.diagnostics ?? [])].map(
      ({ file, line, detail }) => `${file}:${line} ${detail}`,
    );
  };
  const cases: [what: string, body: string, problem: RegExp][] = [
    ["a default that can't be evaluated", "  default = local.x", /^main\.tf:3 default .*no local value "x"/],
    [
      "a default that is not known",
      "  default = timestamp()",
      /^main\.tf:3 default is not known\. timestamp\(\)/,
    ],
    ["another type", '  type = "map"', /"map" is no type of a parameter/],
    [
      "a default outside of the options",
      '  default = "x"\n  option {\n    name = "a"\n    value = "a"\n  }',
      /must be a valid option/,
    ],
    [
      "two options of one value",
      '  default = "a"\n  option {\n    name = "a"\n    value = "a"\n  }\n  option {\n    name = "b"\n    value = "a"\n  }',
      /values must be unique/,
    ],
    [
      "a styling that is none",
      '  default = ""\n  styling = "x"',
      /^main\.tf:4 styling must be a JSON object/,
    ],
    [
      "a default that refers to itself",
      "  default = data.coder_parameter.p.value",
      /not known|refers to itself/,
    ],
  ];
  test.each(cases)("%s", async (_, body, problem) => {
    expect((await problems(body)).join("\n")).toMatch(problem);
  });

  test("two parameters of one name", async () => {
    const one = 'data "coder_parameter" "a" {\n  name = "p"\n  default = 1\n}\n';
    const { diagnostics } = await evaluate(one + one.replace('"a"', '"b"'));
    expect(diagnostics).toMatchObject([{ line: 5, detail: 'Two parameters have the name "p".' }]);
  });
});
