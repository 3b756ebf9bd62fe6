import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

test("the tests that docs/acceptance.md cites exist", async () => {
  const page = await readFile(join(root, "docs/acceptance.md"), "utf8");
  const cited = [...page.matchAll(/`([^`]+\.test\.ts)` › (.+?)(?=<br>| \|)/g)];
  expect(cited.length).toBeGreaterThan(20);
  for (const [, path = "", name = ""] of cited) {
    const source = await readFile(join(root, path), "utf8");
    expect(namesOf(source), path).toContain(name);
  }
});

/** The names of the tests in a file, as they are written there; a table of cases may stand before the name. */
function namesOf(source: string): string[] {
  return [...source.matchAll(/(?:\btest(?:\.each\(\w+\))?|^ *\]\))\(\s*"((?:[^"\\]|\\.)*)"/gm)].map(
    ([, name = ""]) => name,
  );
}
