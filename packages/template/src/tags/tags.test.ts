import { describe, expect, test } from "vitest";
import { normalizeTags } from "./normalize-tags.ts";
import { tagsMatch } from "./tags-match.ts";

describe("normalizeTags", () => {
  const org = { scope: "organization", owner: "" };
  const cases: [what: string, maps: (Record<string, string> | null)[], result: Record<string, string>][] = [
    ["no maps", [], org],
    ["an empty map", [{}], org],
    ["user scope", [{ scope: "user" }], { scope: "user", owner: "me" }],
    ["user scope with another owner", [{ scope: "user", owner: "you" }], { scope: "user", owner: "me" }],
    ["organization scope", [{ scope: "organization" }], org],
    ["organization scope with an owner", [{ scope: "organization", owner: "me" }], org],
    ["an owner only", [{ owner: "me" }], org],
    ["a scope that does not exist", [{ scope: "galaxy", owner: "me" }], org],
    ["empty and empty", [{}, {}], org],
    ["empty and one", [{}, { a: "1" }], { ...org, a: "1" }],
    ["one and empty", [{ a: "1" }, {}], { ...org, a: "1" }],
    ["identical", [{ a: "1" }, { a: "1" }], { ...org, a: "1" }],
    ["override", [{ a: "1" }, { a: "2" }], { ...org, a: "2" }],
    ["no override by empty", [{ a: "1" }, { a: "" }], { ...org, a: "1" }],
    ["two absent maps", [null, null], org],
    ["an empty value of its own", [{ a: "" }], { ...org, a: "" }],
    ["a later scope", [{ scope: "user" }, { scope: "organization" }], org],
  ];
  test.each(cases)("%s", (_, maps, result) => {
    expect(normalizeTags("me", ...maps)).toEqual(result);
  });

  test("a tag may have any name", () => {
    const maps: Record<string, string> = JSON.parse('{"__proto__":"x"}');
    expect(Object.entries(normalizeTags("me", maps))).toContainEqual(["__proto__", "x"]);
  });
});

describe("tagsMatch: the truth table of provisioning.md §2.2", () => {
  const org = { scope: "organization", owner: "" };
  const user = { scope: "user", owner: "aaa" };
  const env = { environment: "on-prem" };
  const chicago = { datacenter: "chicago" };
  const newYork = { datacenter: "new_york" };
  const rows: [row: number, daemon: object, job: object, can: boolean][] = [
    [1, org, org, true],
    [2, { ...org, ...env }, { ...org, ...env }, true],
    [3, { ...org, ...env, ...chicago }, { ...org, ...env }, true],
    [4, { ...org, ...env, ...chicago }, { ...org, ...env, ...chicago }, true],
    [5, user, user, true],
    [6, { ...user, ...env }, user, true],
    [7, { ...user, ...env }, { ...user, ...env }, true],
    [8, { ...user, ...env, ...chicago }, { ...user, ...env }, true],
    [9, { ...user, ...env, ...chicago }, { ...user, ...env, ...chicago }, true],
    [10, org, { ...org, ...env }, false],
    [11, { ...org, ...env }, org, false],
    [12, { ...org, ...env }, { ...org, ...env, ...chicago }, false],
    [13, { ...org, ...env, ...newYork }, { ...org, ...env, ...chicago }, false],
    [14, user, org, false],
    [15, user, { scope: "user", owner: "bbb" }, false],
    [16, org, user, false],
    [17, org, { ...user, ...env }, false],
    [18, user, { ...user, ...env }, false],
    [19, { ...user, ...env }, { ...user, ...env, ...chicago }, false],
    [20, { ...user, ...env, ...chicago }, { ...user, ...env, ...newYork }, false],
  ];
  test.each(rows)("row %i", (_, daemon, job, can) => {
    expect(tagsMatch({ ...daemon }, { ...job })).toBe(can);
  });
});
