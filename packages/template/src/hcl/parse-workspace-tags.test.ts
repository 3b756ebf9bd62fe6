// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are Terraform code.
import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "./diagnostic.ts";
import { parseWorkspaceTags, type TagInputs } from "./parse-workspace-tags.ts";

const parse = async (text: string, inputs?: TagInputs, file = "main.tf") => {
  const { tags, diagnostics } = await parseWorkspaceTags(new Map([[file, text]]), inputs);
  return { tags: Object.fromEntries(tags), problems: diagnostics.map(formatDiagnostic) };
};
const tagsOf = (map: string) => `data "coder_workspace_tags" "t" {\n  tags = ${map}\n}\n`;
const inputs = `
variable "zone" { default = "eu" }
variable "count" {
  type = number
  default = 3
}
variable "given" { type = string }
variable "map" {
  type = map(string)
  default = { cluster = "a" }
}
data "coder_parameter" "os" {
  name    = "Operating System"
  default = "linux-\${var.zone}"
}
data "coder_parameter" "bare" { name = "bare" }
`;

test("a template without the block has no tags", async () => {
  expect(await parse(inputs)).toEqual({ tags: {}, problems: [] });
});

test("literals, variables, parameters, conditions and simple functions", async () => {
  const map = `{
    zone      = var.zone
    "os"      = data.coder_parameter.os.value
    (var.zone) = "\${var.count}-\${upper(var.zone)}"
    n         = 5
    big       = var.count > 2 && !false ? "yes" : "no"
    cluster   = var.map["cluster"]
    price     = "$\${x}"
    fallback  = try(var.map.absent, "none")
  }`;
  expect(await parse(inputs + tagsOf(map))).toEqual({
    problems: [],
    tags: {
      zone: "eu",
      os: "linux-eu",
      eu: "3-EU",
      n: "5",
      big: "yes",
      cluster: "a",
      price: "${x}",
      fallback: "none",
    },
  });
});

test("given values take the place of defaults", async () => {
  const given = { variables: { given: "mars", count: "7" }, parameters: { "Operating System": "plan9" } };
  expect(
    await parse(
      inputs + tagsOf("{ a = var.given, b = var.count + 1, c = data.coder_parameter.os.value }"),
      given,
    ),
  ).toEqual({ problems: [], tags: { a: "mars", b: "8", c: "plan9" } });
});

test("the JSON syntax", async () => {
  const text = JSON.stringify({
    variable: { zone: { default: "eu" } },
    data: {
      coder_workspace_tags: {
        t: { tags: { zone: "${var.zone}", full: "x-${var.zone}-y", n: 1, lit: 'q"' } },
      },
    },
  });
  expect(await parse(text, undefined, "main.tf.json")).toEqual({
    problems: [],
    tags: { zone: "eu", full: "x-eu-y", n: "1", lit: 'q"' },
  });
});

describe("refused with the place and the reason:", () => {
  const cases: [what: string, map: string, reason: RegExp][] = [
    ["a map that is not written out", "var.map", /written out as a map/],
    ["a tag that is there twice", '{ a = "1", "a" = "2" }', /"a" is set twice/],
    ["a local", "{ a = local.x }", /local\.x is not known before a build/],
    ["another data source", "{ a = data.coder_workspace.me.name }", /not known before a build/],
    ["a function that reads files", '{ a = file("x") }', /function file can't be used/],
    ["an expression without end", `{ a = ${"1+".repeat(250)}1 }`, /nested more than 200 deep/],
    ["a list as a value", '{ a = ["x"] }', /must be a string, a number or a bool/],
    ["null as a value", "{ a = null }", /must be a string, a number or a bool/],
    ["a variable without a value", "{ a = var.given }", /"given" has no default/],
    ["a variable that is not there", "{ a = var.absent }", /no variable "absent"/],
    ["a parameter without a value", "{ a = data.coder_parameter.bare.value }", /"bare" has no default/],
    [
      "a parameter that is not there",
      "{ a = data.coder_parameter.absent.value }",
      /no coder_parameter "absent"/,
    ],
  ];
  test.each(cases)("%s", async (_, map, reason) => {
    const { problems } = await parse(tagsOf(map) + inputs);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^main\.tf:2,3: Invalid workspace tags; /);
    expect(problems[0]).toMatch(reason);
  });

  test("one tag in two blocks", async () => {
    const second = tagsOf('{ a = "2" }').replace('"t"', '"u"');
    expect((await parse(tagsOf('{ a = "1" }') + second)).problems).toEqual([
      expect.stringContaining('main.tf:5,3: Invalid workspace tags; The tag "a" is set twice'),
    ]);
  });
});
