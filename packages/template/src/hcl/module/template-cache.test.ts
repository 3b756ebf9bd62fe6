import { expect, test } from "vitest";
import { writeTar } from "../../archive/write-tar.ts";
import { createTemplateCache } from "./template-cache.ts";

const archive = (text: string) =>
  writeTar([{ path: "main.tf", type: "file", data: Buffer.from(text), mode: 0o644 }]);

test("a template is read once, even when two ask at the same time, until others take its room", async () => {
  const cache = createTemplateCache({ maxBytes: 500 });
  const loads: string[] = [];
  const open = (key: string) =>
    cache.open(key, async () => {
      loads.push(key);
      return { archive: await archive(`# ${"x".repeat(20)} ${key}\n`) };
    });
  const [first, second] = await Promise.all([open("a"), open("a")]);
  expect(first).toBe(second);
  await open("b");
  await open("a");
  await open("c");
  await open("a");
  await open("b");
  expect(loads).toEqual(["a", "b", "c", "b"]);
});

test("a template that could not be read is asked for again", async () => {
  const cache = createTemplateCache();
  const failing = cache.open("a", () => Promise.reject(new Error("gone")));
  await expect(failing).rejects.toThrow("gone");
  expect(
    (await cache.open("a", async () => ({ archive: await archive("") }))).template.modules,
  ).toHaveProperty([""]);
});
