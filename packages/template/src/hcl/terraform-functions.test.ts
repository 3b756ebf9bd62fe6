// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are Terraform code.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FUNCTIONS } from "./functions/table.ts";
import { jsonHere } from "./testing/evaluate-here.ts";
import { expressionArbitrary } from "./testing/expression-arbitrary.ts";
import { evaluateWithTerraform } from "./testing/terraform-console.ts";

async function expectSame(expressions: readonly string[], files: Record<string, string> = {}) {
  const theirs = await evaluateWithTerraform(expressions, files);
  const ours = expressions.map((expression) => jsonHere(expression, files));
  const pairs = (results: (string | null)[]) => expressions.map((expression, i) => [expression, results[i]]);
  expect(pairs(ours)).toEqual(pairs(theirs));
}

describe("Terraform itself is the judge:", () => {
  test("every function and operator, one expression a line", async () => {
    const text = await readFile(new URL("testdata/expressions.txt", import.meta.url), "utf8");
    await expectSame(text.split("\n").filter((line) => line !== "" && !line.startsWith("#")));
  });

  test("heredocs, directives, strip markers, and brackets over several lines", async () => {
    await expectSame([
      "<<EOT\n  a\n    b\nEOT",
      "<<-EOT\n    a\n      b\n    EOT",
      "<<-EOT\n    a\n      ${1}\n\n   b\n    EOT",
      "<<-EOT\n    a ${1 ~}\n      b\n    c\n    EOT",
      "<<-EOT\n    a\n    ${~ 1}\n    c\n    EOT",
      "<<-EOT\n    %{ for x in [1,2] ~}\n    - ${x}\n    %{ endfor ~}\n    end\n    EOT",
      "<<-EOT\n    %{ if true }\n    yes\n    %{ else }\n    no\n    %{ endif }\n  x\n    EOT",
      '<<EOT\n"q" \\n $${x} %%{y}\nEOT',
      "<<-EOT\n\tx\n\t\ty\n\tEOT",
      "<<EOT\nEOT",
      "<<-EOT\n\n    a\n\n    EOT",
      "upper(<<EOT\nabc\nEOT\n)",
      "[<<A\nx\nA\n, <<B\ny\nB\n]",
      '{\n  a = 1\n  # c\n  b = 2, c = "${1}"\n  /* x */ "d" : 4 // y\n}',
      "[\n 1,\n 2,\n]",
      "(\n1 +\n2\n)",
      '<<-EOT\n    ${[1][0]} and ${"${"x"}"}\n  y\n    EOT',
      '"a%{ if true ~}  b  %{~ else ~} c %{ endif }d"',
      '"%{ for i, a in ["x"] }${i}${a}%{ endfor }"',
      '"a\\u00e9\\U0001F600"',
    ]);
  });

  test("files of the template, and templates in them", async () => {
    const files = {
      "t.tmpl": "%{ for i in x ~}\nitem ${i}\n%{ endfor ~}\n${y} $${z}\n",
      "single.tmpl": "${x}",
      "rec.tmpl": '${templatefile("rec.tmpl", {})}',
      "tail.tmpl": "x\r\n${a ~}   \n  y",
      "d/a.txt": "A",
      "d/b.txt": "B",
      "d/e/c.txt": "C",
      "d/.h.txt": "H",
    };
    await expectSame(
      [
        'templatefile("t.tmpl", { x = [1, 2], y = "z" })',
        'templatefile("single.tmpl", { x = [1, 2] })',
        'templatefile("t.tmpl", {})',
        'templatefile("none.tmpl", {})',
        'templatefile("rec.tmpl", {})',
        'templatefile("tail.tmpl", { a = 1 })',
        'file("t.tmpl")',
        'file("nope")',
        'fileexists("t.tmpl")',
        'fileexists("nope")',
        ...["md5", "sha1", "sha256", "sha512", "base64", "base64sha256", "base64sha512"].map(
          (name) => `file${name}("./d/../t.tmpl")`,
        ),
        ...["*.tmpl", "**/*.txt", "d/*", "d/{a,b}.txt", "d/[ab].txt", "d/?.txt", "nope/*", "d/**"].map(
          (pattern) => `setsubtract(fileset(".", "${pattern}"), ["main.tf"])`,
        ),
        'fileset("d", "**")',
        'fileset("d/", "e/*")',
      ],
      files,
    );
  });

  test("hundreds of expressions by chance", async () => {
    // A seed that stays: what another one would find belongs into the list above.
    await expectSame(fc.sample(expressionArbitrary, { seed: 20_300_101, numRuns: 400 }));
  });

  test("no function of Terraform is missing", async () => {
    const { stdout } = await promisify(execFile)("terraform", ["metadata", "functions", "-json"]);
    const metadata: { function_signatures: Record<string, unknown> } = JSON.parse(stdout);
    const theirs = Object.keys(metadata.function_signatures).filter((name) => !name.includes("::"));
    const lazy = ["try", "can", "templatestring"];
    expect(theirs.filter((name) => !Object.hasOwn(FUNCTIONS, name) && !lazy.includes(name))).toEqual([]);
    expect(theirs.length).toBeGreaterThan(100);
  });
});

test("what only a build or the host knows is unknown", () => {
  const expressions = [
    "timestamp()",
    "plantimestamp()",
    "uuid()",
    'bcrypt("a")',
    'abspath("a")',
    'pathexpand("~/a")',
    'file("/etc/passwd")',
    'file("../secret")',
    'fileexists("/etc/passwd")',
    'fileset("/etc", "*")',
    'templatefile("/etc/passwd", {})',
    "provider::terraform::encode_expr(1)",
    "1 / 0",
    "[timestamp()]",
    'try(timestamp(), "x")',
    "can(timestamp())",
    "timestamp() == timestamp()",
    "{ (timestamp()) = 1 }",
    '[for x in ["a"] : x if timestamp() == "a"]',
    'timestamp() == "a" ? 1 : 2',
    'format("%s", uuid())',
    "upper(uuid())",
  ];
  expect(expressions.map((each) => [each, jsonHere(each)])).toEqual(
    expressions.map((each) => [each, "unknown"]),
  );
});

test("what does not depend on the unknown is known", () => {
  const cases: [string, string][] = [
    ["length([uuid(), 1])", "2"],
    ["merge({ a = uuid() }, { b = 1 }).b", "1"],
    ['lookup({ a = uuid(), b = 1 }, "b", 2)', "1"],
    ["[uuid(), 1][1]", "1"],
    ["element([uuid(), 1], 1)", "1"],
    ["concat([uuid()], [2])[1]", "2"],
    ["keys({ a = uuid() })", '["a"]'],
    ["contains([uuid(), 1], 1)", "true"],
    ["false && timestamp() == 1", "false"],
    ['coalesce("a", uuid())', '"a"'],
    ['timestamp() == "x" ? 1 : 1', "1"],
    ['zipmap(["a", "b"], [uuid(), 1]).b', "1"],
    ["[for x in [uuid(), 1] : 2]", "[2,2]"],
  ];
  expect(cases.map(([each]) => [each, jsonHere(each)])).toEqual(cases);
});
