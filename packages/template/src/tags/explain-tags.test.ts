import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeTagProblems, explainTags, startCommand } from "./explain-tags.ts";
import { normalizeTags } from "./normalize-tags.ts";
import { tagsMatch } from "./tags-match.ts";

const org = { scope: "organization", owner: "" };
const user = { scope: "user", owner: "aaa" };
const eu = { zone: "eu" };

describe("explainTags", () => {
  const cases: [what: string, daemon: Record<string, string>, job: Record<string, string>, words: string][] =
    [
      ["a daemon with more tags", { ...org, ...eu, gpu: "yes" }, { ...org, ...eu }, ""],
      ["a missing tag", org, { ...org, ...eu }, "lacks zone=eu"],
      ["another value", { ...org, zone: "us" }, { ...org, ...eu }, "has zone=us instead of eu"],
      ["the untagged rule", { ...org, ...eu, b: "1" }, org, "takes only jobs with tags, having b=1, zone=eu"],
      ["a daemon of one user", user, org, "serves its owner only"],
      [
        "a daemon of the organization",
        org,
        user,
        "serves the whole organization, and the job is for a daemon of its owner",
      ],
      ["a daemon of somebody else", user, { ...user, owner: "bbb" }, "belongs to another user"],
      [
        "several at once",
        { ...org, zone: "us" },
        { ...org, ...eu, gpu: "yes" },
        "lacks gpu=yes, and has zone=us instead of eu",
      ],
      ["an untagged job of a user on a tagged daemon of his", { ...user, ...eu }, user, ""],
    ];
  test.each(cases)("%s", (_, daemon, job, words) => {
    expect(describeTagProblems(explainTags(daemon, job))).toBe(words);
  });

  test("finds a problem exactly where the tags do not match", () => {
    const tags = fc
      .tuple(
        fc.constantFrom<[string, string]>(["organization", ""], ["user", "aaa"], ["user", "bbb"]),
        fc.dictionary(fc.constantFrom("a", "b", "toString"), fc.constantFrom("", "1", "2")),
      )
      .map(([[scope, owner], own]) => normalizeTags(owner, own, { scope }));
    fc.assert(
      fc.property(tags, tags, (daemon, job) => {
        expect(explainTags(daemon, job).length === 0).toBe(tagsMatch(daemon, job));
      }),
      { numRuns: 2_000 },
    );
  });
});

test("startCommand gives the tags that a shell takes as they are", () => {
  expect(startCommand(org)).toBe("coder provisioner start");
  expect(startCommand({ ...user, zone: "eu", note: "it's big" })).toBe(
    "coder provisioner start --tag 'note=it'\\''s big' --tag scope=user --tag zone=eu",
  );
});
