import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { expect, onTestFinished, test } from "vitest";
import { globalWords } from "./global-options.ts";
import { plainSwitches } from "./options.ts";
import { runCoder } from "./testing/run-coder.ts";

const push = new Command()
  .option("-m, --message <text>")
  .option("-d, --directory <path>")
  .option("-y, --yes")
  .option("-c, --column <names>")
  .addOption(new Option("--url <url>").hideHelp())
  .addOption(new Option("-v, --verbose").hideHelp())
  .addOption(new Option("--no-verbose").hideHelp());

test.each([
  [["push", "-m", "-v"], ["push"]],
  [
    ["push", "--message", "--url", "x", "-v"],
    ["push", "x", "-v"],
  ],
  [
    ["push", "--message=--url", "x"],
    ["push", "x"],
  ],
  [["push", "-m-v", "-ym", "--verbose"], ["push"]],
  [
    ["-v", "push", "--url", "-m", "-y"],
    ["-v", "push", "--url", "-m"],
  ],
  [
    ["push", "-v", "--", "ls", "--url", "x", "-v"],
    ["push", "-v"],
  ],
])("of %j global flags may be in %j", (argv, expected) => {
  expect(globalWords(argv, push)).toEqual(expected);
});

test("values and what is behind -- stay as they are", () => {
  const plain = (...argv: string[]) => plainSwitches(argv, push);
  expect(plain("-m", "--verbose=false", "--verbose=false")).toEqual([
    "-m",
    "--verbose=false",
    "--no-verbose",
  ]);
  expect(plain("-m=a=b", "-y", "--", "-m=a")).toEqual(["-m", "a=b", "-y", "--", "-m=a"]);
});

test("the program takes values as values, and what is behind -- as none of its own", async () => {
  const rows = async (...argv: string[]) => {
    const { stdout, stderr } = await runCoder(["--debug-options", ...argv], {
      CODER_CONFIG_DIR: "/nonexistent",
    });
    expect(stderr).toBe("");
    const all = stdout.split("\n").map((row) => row.split(/ {2,}/));
    return Object.fromEntries(all.map(([name, ...rest]) => [name, rest.join(" ")]));
  };
  const pushed = await rows("templates", "push", "-m", "-v", "--name", "--url", "--verbose=false");
  expect(pushed).toMatchObject({ "--message": "-v flag", "--name": "--url flag", "--verbose": "false flag" });
  expect(pushed["--url"]).toMatch(/default$/);
  expect(await rows("--use-keyring", "list")).toMatchObject({ "--search": "owner:me default" });
  const up = await rows("up", "--", "curl", "--url", "https://a.example.com", "--verbose");
  expect([up["--url"], up["--verbose"]]).toEqual(["default", "default"]);
});

test("switches that Coder's scripts give take no word behind them", async () => {
  const login = ["login", "--first-user-trial", "http://127.0.0.1:2"];
  const config = await mkdtemp(join(tmpdir(), "slipway-words-"));
  onTestFinished(() => rm(config, { recursive: true }));
  for (const words of [login, login.with(1, "--first-user-trial=false")]) {
    expect((await runCoder(words, { CODER_CONFIG_DIR: config })).stderr).toContain("http://127.0.0.1:2");
  }
});
