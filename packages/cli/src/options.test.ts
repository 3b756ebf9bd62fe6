import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { addSwitch, plainSwitches, readAssignments, readDuration, splitAssignments } from "./options.ts";
import { testCli } from "./testing/test-cli.ts";

describe("assignments", () => {
  test.each([
    ["cpu=2", ["cpu=2"]],
    ["cpu=2,ram=8", ["cpu=2", "ram=8"]],
    ['zones=["a","b"]', ['zones=["a","b"]']],
    ["note=a,b", ["note=a,b"]],
    ['"note=a,b",cpu=2', ["note=a,b", "cpu=2"]],
    ['"list=[""a"",""b""]"', ['list=["a","b"]']],
    ["Größe=1,x y=2", ["Größe=1", "x y=2"]],
    ["", []],
  ])("of %j", (text, expected) => {
    expect(splitAssignments(text)).toEqual(expected);
  });

  test("keep what stands behind the first equals sign, and later ones win", () => {
    expect([...readAssignments("--parameter", ["a=b=c", "x=1", "x=2", "empty="])]).toEqual([
      ["a", "b=c"],
      ["x", "2"],
      ["empty", ""],
    ]);
  });

  test("without a name are refused, with the flag named", () => {
    expect(() => readAssignments("--parameter", ["cpu"])).toThrow('--parameter: "cpu"');
    expect(() => readAssignments("--parameter", ["=2"])).toThrow("name=value");
  });
});

describe("switches", () => {
  function parse(words: string[], env: NodeJS.ProcessEnv = {}) {
    const { cli } = testCli({ env });
    const command = new Command().argument("[name]").action(() => {});
    addSwitch(command, cli, "--activate", "…", { env: "CODER_ACTIVATE", initial: true });
    addSwitch(command, cli, "--force", "…", { env: "CODER_FORCE" });
    addSwitch(command, cli, "--no-wait", "…", { env: "CODER_NO_WAIT" });
    command.parse(plainSwitches(words, command), { from: "user" });
    return { ...command.opts(), name: command.args[0] };
  }

  test("have their defaults", () => {
    expect(parse([])).toEqual({ activate: true, wait: true });
  });

  test("take values as Go's flags do, and no word behind them", () => {
    expect(parse(["--force=true", "--activate=false", "--no-wait", "dev"])).toEqual({
      activate: false,
      force: true,
      wait: false,
      name: "dev",
    });
    expect(parse(["--force=0", "--no-wait=false"])).toMatchObject({ force: false, wait: true });
  });

  test("read their variables as booleans, and flags win", () => {
    expect(parse([], { CODER_FORCE: "true", CODER_ACTIVATE: "0", CODER_NO_WAIT: "1" })).toEqual({
      activate: false,
      force: true,
      wait: false,
    });
    expect(parse(["--force=false"], { CODER_FORCE: "true" })).toMatchObject({ force: false });
    expect(parse([], { CODER_NO_WAIT: "false", CODER_FORCE: "" })).toEqual({ activate: true, wait: true });
  });

  test("refuse other values, naming the source", () => {
    expect(() => parse([], { CODER_FORCE: "maybe" })).toThrow(
      'CODER_FORCE: "maybe" is neither true nor false',
    );
    expect(() => parse(["--force=maybe"])).toThrow('--force: "maybe"');
  });

  test("behind -- are left alone", () => {
    const command = new Command();
    command.option("--force");
    expect(plainSwitches(["ssh", "--", "--force=true"], command)).toEqual(["ssh", "--", "--force=true"]);
  });
});

test("durations are read as Go writes them, with days and years", () => {
  expect(readDuration("--lifetime", "1d12h30m")).toBe(131_400_000);
  expect(() => readDuration("--lifetime", "soon")).toThrow('--lifetime: "soon" is not a duration.');
  expect(() => readDuration("--lifetime", "-5m")).toThrow("is not a duration");
});
