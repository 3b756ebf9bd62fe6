import { expect, test } from "vitest";
import { normalizeUrl } from "./cli.ts";
import { testCli } from "./testing/test-cli.ts";

test("the address of a deployment is one of the web", () => {
  expect(normalizeUrl("coder.example.com/")).toBe("https://coder.example.com");
  expect(normalizeUrl("HTTP://localhost:3000")).toBe("HTTP://localhost:3000");
  for (const wrong of ["ftp://coder.example.com", "ssh://x", "http://", ":"]) {
    expect(() => normalizeUrl(wrong)).toThrow(`"${wrong}" is not the URL of a deployment.`);
  }
});

test("a header command that fails is named, with what it said", async () => {
  const { cli } = testCli({ globals: { headerCommand: "echo no ticket >&2; exit 3" } });
  await expect(cli.headers()).rejects.toMatchObject({
    message: "The program of --header-command ended with 3: echo no ticket >&2; exit 3",
    hint: "no ticket",
  });
  const fine = testCli({ globals: { headerCommand: "echo a=b=c" } });
  expect(await fine.cli.headers()).toEqual({ a: "b=c" });
});
