import { describe, expect, test } from "vitest";
import { newWorkspaceProblem, parseAgentTarget, parseWorkspaceReference } from "./workspace-argument.ts";

const id = "6b7ba4ab-5b2e-4f2c-9c57-0e0a1c3d9f10";

describe("a workspace", () => {
  test.each([
    ["dev", { owner: "me", name: "dev" }],
    ["ada/dev", { owner: "ada", name: "dev" }],
    [id.toUpperCase(), { id }],
  ])("named %s", (text, expected) => {
    expect(parseWorkspaceReference(text)).toEqual(expected);
  });

  test.each(["a/b/c", "/dev", "ada/", ""])("is not %j", (text) => {
    expect(() => parseWorkspaceReference(text)).toThrow(`invalid workspace name: "${text}"`);
  });
});

test.each([
  ["dev", undefined],
  ["ada/dev", undefined],
  ["my ws", /^The name of a workspace must consist of letters and digits, .* got "my ws"/],
  ["ada/new", /"new" is reserved/],
  ["ada/", /must not be empty/],
  ["a/b/c", /NAME or OWNER\/NAME, got "a\/b\/c"/],
  [id, /at most 32 characters/],
])("a new workspace named %j is judged before anything is asked", (text, problem) => {
  if (problem) expect(newWorkspaceProblem(text)).toMatch(problem);
  else expect(newWorkspaceProblem(text)).toBeUndefined();
});

describe("an agent", () => {
  const dev = { owner: "ada", name: "dev" };

  test.each([
    ["dev", undefined, { workspace: { owner: "me", name: "dev" }, agent: undefined }],
    ["dev.main", undefined, { workspace: { owner: "me", name: "dev" }, agent: "main" }],
    ["ada/dev", undefined, { workspace: dev, agent: undefined }],
    ["ada/dev.main", undefined, { workspace: dev, agent: "main" }],
    ["ada--dev", undefined, { workspace: dev, agent: undefined }],
    ["ada--dev--main", undefined, { workspace: dev, agent: "main" }],
    ["ada--dev.main", undefined, { workspace: dev, agent: "main" }],
    ["main.dev.ada", undefined, { workspace: dev, agent: "main" }],
    ["main.dev.ada.coder", "coder", { workspace: dev, agent: "main" }],
    ["dev.coder", "coder", { workspace: { owner: "me", name: "dev" }, agent: undefined }],
    ["dev.coder", ".coder", { workspace: { owner: "me", name: "dev" }, agent: undefined }],
    [id, undefined, { workspace: { id }, agent: undefined }],
  ])("named %s (suffix %s)", (text, suffix, expected) => {
    expect(parseAgentTarget(text, suffix)).toEqual(expected);
  });

  test.each(["", "dev.", ".main", "a.b.c.d", "ada--", "ada--dev--", "a--b--c--d", "a/b/c"])(
    "is not %j",
    (text) => {
      expect(() => parseAgentTarget(text)).toThrow("invalid workspace name");
    },
  );
});
