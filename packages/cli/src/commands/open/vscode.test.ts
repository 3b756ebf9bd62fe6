import { describe, expect, test } from "vitest";
import { folderOf, vscodeUri } from "./vscode.ts";

test("VS Code is told who, what and where", () => {
  const target = {
    url: "https://coder.example.com",
    workspace: { name: "dev", owner_name: "ada" },
    agent: { name: "main" },
  };
  const uri = vscodeUri({ ...target, folder: "/home/coder/a b", token: undefined });
  expect(uri).toMatch(/^vscode:\/\/coder\.coder-remote\/open\?/);
  expect(Object.fromEntries(new URL(uri).searchParams)).toEqual({
    owner: "ada",
    workspace: "dev",
    agent: "main",
    folder: "/home/coder/a b",
    url: "https://coder.example.com",
  });
  expect(vscodeUri({ ...target, folder: undefined, token: "abc" })).toContain("&token=abc");
});

describe("the folder to open", () => {
  const agent = { expanded_directory: "/home/coder" };

  test.each([
    [undefined, "/home/coder"],
    ["/srv/app/", "/srv/app/"],
    ["project", "/home/coder/project"],
    ["~/project", "/home/coder/project"],
    ["~", "/home/coder"],
    ["../other", "/home/other"],
  ])("%s is %s", (directory, folder) => {
    expect(folderOf(agent, directory)).toBe(folder);
  });

  test("is left to the editor where the agent has told none", () => {
    expect(folderOf({}, undefined)).toBeUndefined();
    expect(() => folderOf({}, "project")).toThrow("not an absolute path");
  });
});
