// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are Terraform code.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parseTemplateFiles } from "./parse-template.ts";
import { templateFilesOf } from "./template-source.ts";
import { validateVariables } from "./validate-variables.ts";

type Files = Record<string, string>;
type Variables = Record<string, string>;
type Finding = { summary: string; detail: string; place: string };

const byText = (a: Finding, b: Finding) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

async function ours(texts: Files, variables: Variables = {}): Promise<Finding[]> {
  const files = templateFilesOf(new Map(Object.entries(texts)));
  const found = validateVariables(await parseTemplateFiles(files), files, { variables });
  const place = (file = "", line = 0) => `${file}:${line}`;
  return found
    .map(({ summary, detail, file, line }) => ({ summary, detail, place: place(file, line) }))
    .sort(byText);
}

/** What `terraform plan` says of the same variables. */
async function terraforms(texts: Files, variables: Variables = {}): Promise<Finding[]> {
  const cwd = await mkdtemp(join(tmpdir(), "slipway-validate-"));
  try {
    for (const [path, text] of Object.entries(texts)) {
      await mkdir(dirname(join(cwd, path)), { recursive: true });
      await writeFile(join(cwd, path), text);
    }
    const given = Object.entries(variables).map(([name, value]) => [`TF_VAR_${name}`, value]);
    const env = { PATH: process.env.PATH, HOME: cwd, CHECKPOINT_DISABLE: "1", ...Object.fromEntries(given) };
    const terraform = (...args: string[]) => promisify(execFile)("terraform", args, { cwd, env });
    await terraform("init", "-input=false");
    // It ends with status 1 when a rule is broken, and says which on its output.
    const { stdout } = await terraform("plan", "-json", "-input=false").catch(
      (error: { stdout: string }) => error,
    );
    type Line = {
      "@level": string;
      diagnostic?: { summary: string; detail: string; range?: { filename: string; start: { line: number } } };
    };
    return stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line): Line => JSON.parse(line))
      .flatMap(({ diagnostic, ...line }) => (line["@level"] === "error" && diagnostic ? [diagnostic] : []))
      .map(({ summary, detail, range }) => {
        return { summary, detail, place: `${range?.filename ?? ""}:${range?.start.line ?? 0}` };
      })
      .sort(byText);
  } finally {
    await rm(cwd, { recursive: true });
  }
}

const rule = (condition: string, message = '"Not so."') => `
  validation {
    condition     = ${condition}
    error_message = ${message}
  }`;
const variable = (name: string, body: string) => `variable "${name}" {${body}\n}\n`;

const root = [
  variable("kept", `\n  default = "abc"${rule("length(var.kept) == 3")}`),
  variable(
    "twice",
    `\n  default = "x"${rule("length(var.twice) > 3", '"  Too short: ${var.twice}. "')}${rule('var.twice == "y"')}`,
  ),
  variable(
    "given",
    `\n  type = number${rule("var.given > 1 && var.given < 5", '"1 to 5, not ${var.given}"')}`,
  ),
  variable(
    "among",
    `\n  type = list(string)${rule('alltrue([for v in var.among : contains(["a", "b"], v)])', 'join(", ", var.among)')}`,
  ),
  variable("pattern", `\n  default = "no!"${rule('can(regex("^[a-z]+$", var.pattern))')}`),
  variable("empty", `\n  default = 1${rule("var.empty > 1", '"   "')}`),
  variable("none", `\n  default = 1${rule("var.none > 1", "null")}`),
  variable("number", `\n  default = 1${rule("var.number > 1", "var.number")}`),
  variable("list", `\n  default = 1${rule("var.list > 1", '["x"]')}`),
  variable(
    "heredoc",
    `\n  default = 1${rule("var.heredoc > 1", "<<-EOT\n      Two\n      lines.\n    EOT")}`,
  ),
  variable("null", `\n  default = 1${rule("var.null == 2 ? true : null")}`),
  variable("bool", `\n  default = 1${rule('"${var.bool == 2}"')}`),
  variable("unfit", `\n  default = 1${rule('"yes${var.unfit}"')}`),
  variable("other", `\n  default = 1${rule("var.other > local.least", '"At least ${local.least}."')}`),
  "locals {\n  least = 2\n}\n",
].join("");

describe("rules for variables are judged as Terraform judges them:", () => {
  test("of the root module", async () => {
    const files = { "main.tf": root };
    const variables = { given: "7", among: '["a", "c"]' };
    const found = await ours(files, variables);
    expect(found).toHaveLength(15);
    expect(found).toEqual(await terraforms(files, variables));
    const good = { given: "3", among: '["a"]', twice: "y", pattern: "yes" };
    expect(await ours(files, good)).toEqual(await terraforms(files, good));
  });

  test("of modules, at the call that gives the value", async () => {
    const module = [
      variable("size", `\n  type = number${rule("var.size > 5", '"Size ${var.size}."')}`),
      variable("fixed", `\n  default = 1${rule("var.fixed == 1")}`),
    ].join("");
    const files = {
      "main.tf": `variable "size" { default = 3 }
module "small" {
  source = "./machine"
  size   = var.size
}
module "many" {
  source   = "./machine"
  for_each = toset(["4", "9"])
  size     = each.value
}
`,
      "machine/main.tf": module,
    };
    const found = await ours(files);
    expect(found.map(({ place }) => place)).toEqual(["main.tf:4", "main.tf:9"]);
    expect(found).toEqual(await terraforms(files));
  });

  test("what is not known breaks none", async () => {
    const text = `
resource "terraform_data" "x" {}
variable "later" {${rule("length(var.later) > 100")}
}
module "m" {
  source = "./m"
  id     = terraform_data.x.id
}
`;
    expect(await ours({ "main.tf": text, "m/main.tf": variable("id", rule('var.id == ""')) })).toEqual([]);
  });
});

test("a value that is sensitive is in no message", async () => {
  const text = variable("secret", `\n  sensitive = true${rule('var.secret == ""', '"Not ${var.secret}."')}`);
  const [found] = await ours({ "main.tf": text }, { secret: "hunter2" });
  expect(found?.detail).toBe(
    "The error message included a sensitive value, so it will not be displayed.\n\nThis was checked by the validation rule at main.tf:3,3-13.",
  );
});

test("a condition that cannot be evaluated is told with its place", async () => {
  const text = variable("x", `\n  default = "b"${rule('regex("a", var.x) == "a"')}`);
  expect(await ours({ "main.tf": text })).toMatchObject([
    { summary: "Invalid variable validation result", place: "main.tf:4" },
  ]);
});

test("the JSON syntax", async () => {
  const validation = { condition: "${var.x > 1}", error_message: "Not ${var.x}." };
  const text = JSON.stringify({ variable: { x: { default: 1, validation } } });
  const [found] = await ours({ "main.tf.json": text });
  expect(found?.detail).toBe("Not 1.\n\nThis was checked by the validation rule at main.tf.json.");
});
