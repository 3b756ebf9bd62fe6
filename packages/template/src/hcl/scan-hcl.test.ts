// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are Terraform code.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseHcl } from "./hcl-json.ts";
import { HclScanError, scanHcl } from "./scan-hcl.ts";

describe("scanHcl", () => {
  test("finds blocks, labels, attributes and their places", () => {
    const body = scanHcl(
      '/* head */\nresource "a" b {\n  x = "}" # }\n  y = [1, // ]\n    2]\n  inner {\n    z = <<EOT\n  } ${"}"}\nEOT\n  }\n}\nvariable "v" { default = { a = "\\"" } }\n',
    );
    expect(body.blocks.map(({ type, labels, line, column }) => ({ type, labels, line, column }))).toEqual([
      { type: "resource", labels: ["a", "b"], line: 2, column: 1 },
      { type: "variable", labels: ["v"], line: 12, column: 1 },
    ]);
    const [resource, variable] = body.blocks;
    expect(resource?.attributes.get("y")).toMatchObject({ line: 4, column: 3, source: "[1, // ]\n    2]" });
    expect(resource?.blocks[0]?.attributes.get("z")?.source).toBe('<<EOT\n  } ${"}"}\nEOT');
    expect(variable?.attributes.get("default")?.source).toBe('{ a = "\\"" }');
  });

  test("finds the same blocks as the parser in whatever is valid", async () => {
    const value = fc.oneof(
      fc.constantFrom(
        '"a ${var.b["}"]} $${c}"',
        "[for x in y : x]",
        "<<-E\n  } # {\n  E",
        "f({ a = 1 })",
        "1 # }",
      ),
      fc
        .string({ unit: fc.constantFrom("a", " ", "}", "{", "#", "/", "*", "é", "<") })
        .map((s) => JSON.stringify(s)),
    );
    const block = fc.array(value, { maxLength: 4 }).map((values) => {
      return `b "l" {\n${values.map((v, i) => `  a${i} = ${v}\n`).join("")}}\n`;
    });
    await fc.assert(
      fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 4 }), async (blocks) => {
        const text = blocks.join("/* } */ // {\n");
        const parsed = await parseHcl("x.tf", text);
        fc.pre("json" in parsed);
        const found = scanHcl(text).blocks.map((b) => [...b.attributes.keys()].sort());
        expect({ b: { l: found } }).toEqual({
          b: {
            l: Object.values(Object("json" in parsed ? parsed.json.b : {}).l).map((b) =>
              Object.keys(Object(b)).sort(),
            ),
          },
        });
      }),
      { numRuns: 60 },
    );
  });

  test("ends on whatever text, and fails only in its own way", () => {
    const piece = fc.constantFrom(
      '"',
      "${",
      "}",
      "{",
      "<<E\n",
      "E\n",
      "\n",
      "a",
      "=",
      "#",
      "/*",
      "*/",
      "\\",
      "[",
      ")",
      "$${",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          scanHcl(pieces.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(HclScanError);
        }
      }),
    );
  });
});
