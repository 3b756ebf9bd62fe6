// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are Terraform code.
import { expect, test } from "vitest";
import { formatDiagnostic } from "./diagnostic.ts";
import { parseVariables } from "./parse-variables.ts";

const parse = (files: Record<string, string>) => parseVariables(new Map(Object.entries(files)));
const names = async (files: Record<string, string>) => (await parse(files)).variables.map((v) => v.name);
const problems = async (files: Record<string, string>) =>
  (await parse(files)).diagnostics.map(formatDiagnostic);

test("variables come by file, then by line", async () => {
  expect(
    await names({
      "z.tf": 'variable "last" {}',
      "a.tf":
        'variable "zebra" {}\n# variable "comment" {}\nlocals { x = "variable \\"no\\" {" }\nvariable apple {}',
      "modules/m/a.tf": 'variable "inner" {}',
      "notes.txt": 'variable "text" {}',
    }),
  ).toEqual(["zebra", "apple", "last"]);
});

test("types, descriptions, defaults and flags", async () => {
  const { variables, diagnostics } = await parse({
    "main.tf": `
variable "region" {
  type        = string
  description = "Where. Not $\${here}."
  default     = "eu \\"west\\""
}
variable "token" {
  type      = string
  sensitive = true
}
variable "sizes" {
  type    = map(object({ cpu = number, tags = optional(list(string)) }))
  default = { small = { cpu = 1, tags = ["a", "}"] }, big = { cpu = 2 } }
  validation {
    condition     = length(var.sizes) > 0
    error_message = "Name a size."
  }
}
variable "count" { default = -5 }
variable "flag" {
  type    = "bool"
  default = false
}
variable "nothing" { default = null }
variable "sum" { default = (1 + 2) }
variable "text" {
  default     = "a\${"b"}"
  description = <<-EOT
    Two
      lines with "quotes", } and $\${dollars}
  EOT
}
`,
  });
  expect(diagnostics).toEqual([]);
  expect(variables).toEqual([
    {
      name: "region",
      type: "string",
      description: "Where. Not ${here}.",
      defaultValue: 'eu "west"',
      required: false,
      sensitive: false,
    },
    { name: "token", type: "string", description: "", defaultValue: "", required: true, sensitive: true },
    {
      name: "sizes",
      type: "map(object({ cpu = number, tags = optional(list(string)) }))",
      description: "",
      defaultValue: '{"big":{"cpu":2},"small":{"cpu":1,"tags":["a","}"]}}',
      required: false,
      sensitive: false,
    },
    { name: "count", type: "", description: "", defaultValue: "-5", required: false, sensitive: false },
    { name: "flag", type: "bool", description: "", defaultValue: "false", required: false, sensitive: false },
    { name: "nothing", type: "", description: "", defaultValue: "", required: false, sensitive: false },
    { name: "sum", type: "", description: "", defaultValue: "3", required: false, sensitive: false },
    {
      name: "text",
      type: "",
      description: 'Two\n  lines with "quotes", } and ${dollars}\n',
      defaultValue: "ab",
      required: false,
      sensitive: false,
    },
  ]);
});

test(".tf.json files and override files", async () => {
  const { variables } = await parse({
    "a.tf.json": JSON.stringify({
      variable: { size: { type: "number", default: 3, description: "${kept}" }, list: [{ default: [] }] },
    }),
    "override.tf": 'variable "size" {\n  default = 4\n}',
  });
  expect(variables).toMatchObject([
    { name: "size", type: "number", defaultValue: "4", description: "${kept}" },
    { name: "list", defaultValue: "[]", required: false },
  ]);
});

test("errors name the file, the line and the column", async () => {
  expect(await problems({ "main.tf": 'variable "x" {\n  default = \n}\n' })).toEqual([
    "main.tf:2,13: Invalid expression; Expected the start of an expression, but found an invalid expression token.",
  ]);
  expect(await problems({ "main.tf": 'locals {\n  a = 1\n  a = 2\n}\nvariable "x" {' })).toEqual([
    expect.stringMatching(/^main\.tf:3,3: Attribute redefined/),
    expect.stringMatching(/^main\.tf:5,14: Unclosed configuration block/),
  ]);
  expect(await problems({ "x.tf": "locals {\n  a = 1\n  a = 2\n}" })).toEqual([
    'x.tf:3,3: Attribute redefined; The argument "a" was already set at x.tf:2,3-4. Each argument may be set only once.',
  ]);
  expect(await problems({ "a.tf.json": '{\n  "variable": {,}\n}' })).toEqual([
    expect.stringMatching(/^a\.tf\.json:2,16: Invalid JSON; /),
  ]);
  expect(await problems({ "a.tf": 'variable "x" {}\n\nvariable "x" {}' })).toEqual([
    'a.tf:3,1: Duplicate variable; The variable "x" is declared twice. Remove one of the declarations.',
  ]);
  expect(await problems({ "a.tf": 'variable "x" {\n  default = "${var.y}"\n}' })).toEqual([
    expect.stringMatching(/^a\.tf:1,1: Invalid variable; .*var\.y/),
  ]);
});

test("nesting without end and files without end are refused, and the parser lives on", async () => {
  expect(await problems({ "deep.tf": `locals {\n x = ${"[".repeat(100_000)}\n}` })).toEqual([
    expect.stringMatching(/^deep\.tf:2,\d+: Nested too deeply/),
  ]);
  expect(await problems({ "long.tf": `# ${"x".repeat(1024 * 1024)}` })).toEqual([
    expect.stringMatching(/^long\.tf: File too large/),
  ]);
  expect(await names({ "main.tf": 'variable "x" {}' })).toEqual(["x"]);
});
