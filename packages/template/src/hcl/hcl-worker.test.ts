import { expect, test } from "vitest";
import { formatDiagnostic } from "./diagnostic.ts";
import { parseHcl } from "./hcl-json.ts";
import { runHclParser } from "./hcl-worker.ts";

test("texts are parsed in their order, and a bad one harms no other", async () => {
  const texts = ["a = 1", "b = ", "c = 3"];
  const results = await Promise.allSettled(texts.map((text) => runHclParser("parse", "x.tf", text)));
  expect(results).toMatchObject([
    { status: "fulfilled", value: { a: 1 } },
    { status: "rejected", reason: { message: expect.stringContaining("x.tf:1,5") } },
    { status: "fulfilled", value: { c: 3 } },
  ]);
});

test("a text that ends the parser is refused, and the next one is parsed", async () => {
  // Brackets this deep overflow the stack of the WebAssembly program; scanHcl would have stopped them.
  const deep = await parseHcl("deep.tf", `x = ${"[".repeat(400_000)}`);
  expect("diagnostics" in deep && deep.diagnostics.map(formatDiagnostic).join("")).toMatch(/^deep\.tf/);
  expect(await parseHcl("main.tf", "x = 1")).toEqual({ json: { x: 1 } });
}, 60_000);
