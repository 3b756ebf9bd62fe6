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

test("all that is known of a template", async () => {
  const text = `
locals {
  region = lower(data.coder_parameter.region.value)
  extra  = { team = join("-", sort(data.coder_workspace_owner.me.groups)) }
}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_parameter" "region" {
  name    = "Region"
  default = "EU"
}
data "coder_workspace_tags" "t" {
  tags = merge(local.extra, { for kind in ["region"] : kind => local.region }, {
    name  = "\${data.coder_workspace.me.name}@\${data.coder_workspace_owner.me.name}"
    first = data.coder_parameter.region.value == "US" ? "us" : "other"
  })
}
`;
  const owner = {
    id: "1",
    name: "ann",
    full_name: "",
    email: "",
    ssh_public_key: "",
    groups: ["b", "a"],
    login_type: "password",
    rbac_roles: [],
  };
  const inputs = { parameters: { Region: "US" }, owner, workspace: { name: "dev" } };
  expect(await parse(text, inputs)).toEqual({
    problems: [],
    tags: { team: "a-b", region: "us", name: "dev@ann", first: "us" },
  });
});

test("blocks with count and for_each, and modules of the archive", async () => {
  const files = new Map([
    [
      "main.tf",
      'module "net" {\n  source = "./modules/net"\n  zone   = "eu"\n}\n' +
        tagsOf("{ out = module.net.zone }"),
    ],
    [
      "modules/net/main.tf",
      'variable "zone" {}\noutput "zone" { value = upper(var.zone) }\n' +
        'data "coder_workspace_tags" "t" {\n  for_each = toset(["a", "b"])\n  tags = { (each.key) = var.zone }\n}\n' +
        'data "coder_workspace_tags" "none" {\n  count = 0\n  tags = { never = 1 }\n}\n',
    ],
    ["examples/x/main.tf", tagsOf('{ example = "x" }')],
  ]);
  const { tags, diagnostics } = await parseWorkspaceTags(files);
  expect(diagnostics).toEqual([]);
  expect(Object.fromEntries(tags)).toEqual({ out: "EU", a: "eu", b: "eu" });
});

test("values files of the archive count more than what is given, and defaults least", async () => {
  const variables =
    'variable "a" { default = 1 }\nvariable "b" { default = 1 }\nvariable "c" { default = 1 }\n';
  const files = new Map([
    ["main.tf", variables + tagsOf("{ a = var.a, b = var.b, c = var.c }")],
    ["terraform.tfvars", "a = 3\n"],
    ["x.auto.tfvars.json", '{ "a": 4 }'],
  ]);
  const { tags } = await parseWorkspaceTags(files, { variables: { a: "2", b: "2" } });
  expect(Object.fromEntries(tags)).toEqual({ a: "4", b: "2", c: "1" });
});

describe("refused with the place and the reason:", () => {
  const cases: [what: string, map: string, reason: RegExp][] = [
    ["what is no map", '["a"]', /must be a map/],
    ["a map that is not known", "data.http.x.tags", /not known\. data\.http\.x is read only in a build/],
    ["a tag that is there twice", '{ a = "1", "a" = "2" }', /"a" is set twice/],
    ["a local that is not there", "{ a = local.x }", /no local value "x"/],
    ["a local that refers to itself", "{ a = local.loop }", /local\.loop refers to itself/],
    ["a name that is not known", "{ (var.given) = 1 }", /name of a tag is not known.*"given" has no default/],
    [
      "what only a build knows",
      "{ a = data.coder_workspace.me.id }",
      /"a" is not known.*coder_workspace\.me\.id/,
    ],
    ["what only a resource knows", '{ a = "x-${null_resource.r.id}" }', /null_resource\.r is not known/],
    ["the present time", "{ a = local.now }", /timestamp\(\) is known only in a build/],
    ["a file that is not there", '{ a = file("x") }', /no file "x"/],
    ["a sensitive value", "{ a = var.secret }", /"a" is made of a sensitive value/],
    ["an expression without end", `{ a = ${"(".repeat(130)}1${")".repeat(130)} }`, /nested .* deep at most/i],
    ["a list as a value", '{ a = ["x"] }', /must be a string, a number or a bool/],
    ["null as a value", "{ a = null }", /must be a string, a number or a bool/],
    ["a variable without a value", "{ a = var.given }", /"given" has no default/],
    ["a variable that is not there", "{ a = var.absent }", /no variable "absent"/],
    ["a parameter without a value", "{ a = data.coder_parameter.bare.value }", /"bare" has no default/],
    [
      "a parameter that is not there",
      "{ a = data.coder_parameter.gone.value }",
      /no data source coder_parameter "gone"/,
    ],
  ];
  const known = `
data "coder_workspace" "me" {}
data "http" "x" {}
resource "null_resource" "r" {}
variable "secret" {
  default   = "s"
  sensitive = true
}
locals {
  loop = local.loop
  now  = timestamp()
}
`;
  test.each(cases)("%s", async (_, map, reason) => {
    const { tags, problems } = await parse(tagsOf(map) + inputs + known);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^main\.tf:\d+,\d+: /);
    expect(problems[0]).toMatch(reason);
    expect(Object.keys(tags).length).toBeLessThan(2);
  });

  test("the place is that of the part which is wrong", async () => {
    const { problems } = await parse(`${tagsOf("{\n    a = 1\n    b = upper(var.absent)\n  }")}`);
    expect(problems).toEqual([expect.stringMatching(/^main\.tf:4,15: .*The tag "b".*"absent"/)]);
  });

  test("one tag in two blocks", async () => {
    const second = tagsOf('{ a = "2" }').replace('"t"', '"u"');
    expect((await parse(tagsOf('{ a = "1" }') + second)).problems).toEqual([
      expect.stringContaining('main.tf:5,12: Invalid workspace tags; The tag "a" is set twice'),
    ]);
  });
});
