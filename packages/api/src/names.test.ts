import fc from "fast-check";
import { expect, test } from "vitest";
import { CreateTokenRequest } from "./api-keys.ts";
import { DisplayName, Name, TemplateVersionName, Username } from "./common.ts";
import { randomName } from "./names.ts";
import { CreateTemplateVersionRequest } from "./template-versions.ts";
import { UpdateTemplateMeta } from "./templates.ts";
import { validationsFromZod } from "./validations.ts";

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

test("a name that may also be empty is refused with the rule that it breaks", () => {
  const requests = [
    CreateTemplateVersionRequest.safeParse({
      name: "my version!",
      storage_method: "file",
      file_id: "6b7ba4ab-5b2e-4f2c-9c57-0e0a1c3d9f10",
      provisioner: "terraform",
    }),
    UpdateTemplateMeta.safeParse({ name: "my version!" }),
    CreateTokenRequest.safeParse({ token_name: "my version!" }),
  ];
  for (const { error } of requests) {
    expect(error && validationsFromZod(error)).toEqual([
      { field: expect.any(String), detail: expect.stringMatching(/name must consist of letters and digits/) },
    ]);
  }
});
