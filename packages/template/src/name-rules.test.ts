import { expect, test } from "vitest";
import {
  isValidDisplayName,
  isValidGroupName,
  isValidName,
  isValidTemplateVersionName,
} from "./name-rules.ts";

test("names", () => {
  for (const name of ["a", "A-1", "my-workspace-2", "x".repeat(32)]) expect(isValidName(name)).toBe(true);
  const bad = ["", "-a", "a-", "a--b", "a_b", "a.b", "ü", "a b", "x".repeat(33), "new", "create", "a\n"];
  for (const name of bad) expect([name, isValidName(name)]).toEqual([name, false]);
});

test("group names hold a UUID", () => {
  expect(isValidGroupName("0b5c3f6e-7d7a-4b5f-9d3e-1a2b3c4d5e6f")).toBe(true);
  expect(isValidGroupName("x".repeat(37))).toBe(false);
});

test("version names", () => {
  for (const name of ["v1.2.3", "a_b-c.d", "x".repeat(64)])
    expect(isValidTemplateVersionName(name)).toBe(true);
  for (const name of ["", ".a", "a..b", "a b", "x".repeat(65)])
    expect(isValidTemplateVersionName(name)).toBe(false);
});

test("display names", () => {
  for (const name of ["", "My Workspace ☕", "☕".repeat(64)]) expect(isValidDisplayName(name)).toBe(true);
  for (const name of [" a", "a ", "x".repeat(65)]) expect(isValidDisplayName(name)).toBe(false);
});
