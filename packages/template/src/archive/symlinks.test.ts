import { lstat, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TemplateError } from "../template-error.ts";
import { extractTar } from "./extract-tar.ts";
import { type TarInput, writeTar } from "./write-tar.ts";

const part = fc.constantFrom("a", "b", "..", ".");
const path = fc
  .array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join("/"));
const entry: fc.Arbitrary<TarInput> = fc
  .oneof(
    { weight: 3, arbitrary: fc.record({ path, target: fc.array(part, { minLength: 1, maxLength: 4 }) }) },
    { weight: 1, arbitrary: path },
  )
  .map((made) =>
    typeof made === "string"
      ? { path: made, type: "directory", mode: 0o755 }
      : { path: made.path, type: "symlink", linkTarget: made.target.join("/") },
  );

test("whatever links an accepted archive holds, none of them leads out", async () => {
  const base = await mkdtemp(join(tmpdir(), "slipway-links-"));
  let accepted = 0;
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(entry, { selector: (e) => e.path, minLength: 1, maxLength: 6 }),
        async (entries) => {
          const dir = await mkdtemp(join(base, "x-"));
          const archive = await writeTar(entries);
          try {
            await extractTar(archive, dir);
          } catch (error) {
            expect(error).toBeInstanceOf(TemplateError);
            return;
          }
          accepted += 1;
          for (const { path: name, type } of entries) {
            if (type === "symlink") expect((await lstat(join(dir, name))).isSymbolicLink()).toBe(true);
            // A link to nothing or to itself leads nowhere.
            const target = await realpath(join(dir, name)).catch(() => dir);
            expect(target === dir || target.startsWith(`${dir}/`)).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  } finally {
    await rm(base, { recursive: true, force: true });
  }
  expect(accepted).toBeGreaterThan(20);
});
