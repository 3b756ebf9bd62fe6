import fc from "fast-check";
import { expect, test } from "vitest";
import { DisplayName, Name, TemplateVersionName, Username } from "./common.ts";
import { randomName } from "./names.ts";

test("a random name is always a valid name", () => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat(0xffffffff)), (numbers) => {
      const name = randomName(() => numbers.next().value);
      expect(name).toMatch(/^[a-z]+-[a-z]+-\d{1,2}$/);
      expect(Name.safeParse(name).success).toBe(true);
    }),
  );
  expect(Username.safeParse(randomName()).success).toBe(true);
});

test("version names may hold dots and underscores, others not", () => {
  expect(TemplateVersionName.safeParse("v1.2.3_rc-1").success).toBe(true);
  expect(TemplateVersionName.safeParse("v1..2").success).toBe(false);
  expect(Name.safeParse("v1.2").success).toBe(false);
});

test("names that mean something else are reserved", () => {
  for (const name of ["me", "everyone", "prebuilds", "new", "CREATE"]) {
    expect(Username.safeParse(name).success, name).toBe(false);
  }
  expect(Name.safeParse("me").success).toBe(true);
});

test("display names have no space at their ends", () => {
  expect(DisplayName.safeParse("My Template").success).toBe(true);
  expect(DisplayName.safeParse(" My Template").success).toBe(false);
});
