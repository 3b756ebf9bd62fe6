import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FormParameter } from "./parameter-form.ts";
import {
  chooseValues,
  type NameValue,
  type ParameterOptions,
  readGiven,
  readParameterFile,
} from "./parameters.ts";
import { testCli } from "./testing/test-cli.ts";

type Parameter = FormParameter;

function parameter(name: string, rest: Partial<Parameter> = {}): Parameter {
  return {
    name,
    description: "",
    description_plaintext: "",
    type: "string",
    form_type: "input",
    mutable: true,
    default_value: "",
    icon: "",
    options: [],
    required: false,
    ephemeral: false,
    ...rest,
  };
}

async function choose(
  declared: Parameter[],
  options: ParameterOptions,
  more: {
    action?: "create" | "start" | "update";
    previous?: Record<string, string>;
    preset?: Record<string, string>;
  } = {},
) {
  const pairs = (values: Record<string, string> = {}) =>
    Object.entries(values).map(([name, value]) => ({ name, value }));
  const form = { isDynamic: false, parametersFor: async () => declared };
  const values = await chooseValues(testCli().cli, form, await readGiven(options), {
    action: more.action ?? "create",
    options,
    previous: pairs(more.previous),
    preset: pairs(more.preset),
  });
  return Object.fromEntries(values.map((one) => [one.name, one.value]));
}

const region = parameter("region", {
  default_value: "eu",
  mutable: false,
  options: ["eu", "us"].map((value) => ({ name: value.toUpperCase(), value, description: "", icon: "" })),
});
const cpu = parameter("cpu", { type: "number", default_value: "2", validation_min: 1, validation_max: 8 });
const repo = parameter("repo", { required: true });
const debug = parameter("debug", { type: "bool", default_value: "false", ephemeral: true });

describe("where nobody can be asked", () => {
  test("defaults are taken, flags win over them, presets over flags", async () => {
    const options = { parameter: ["repo=git", "cpu=4"], parameterDefault: ["region=us"] };
    expect(await choose([region, cpu, repo, debug], options)).toEqual({
      region: "us",
      cpu: "4",
      repo: "git",
    });
    expect(await choose([cpu], { parameter: ["cpu=4"] }, { preset: { cpu: "8" } })).toEqual({ cpu: "8" });
  });

  test("a required parameter without a value names the flag", async () => {
    await expect(choose([repo], { useParameterDefaults: true })).rejects.toMatchObject({
      message: 'parameter "repo" is required',
      hint: "Give it a value: --parameter repo=VALUE",
    });
  });
});

describe("values are judged before anything is sent", () => {
  test.each([
    ["cpu=9", "9 is more than the maximum of 8."],
    ["cpu=x", '"x" is not a number.'],
    ["region=mars", "must be a valid option"],
    ["colour=red", 'parameter "colour" is not present in the template'],
    ["debug=true", 'parameter "debug" is for one build only'],
  ])("%s", async (given, reason) => {
    await expect(choose([region, cpu, debug], { parameter: [given] })).rejects.toThrow(reason);
  });

  test("an ephemeral flag is for ephemeral parameters", async () => {
    await expect(choose([cpu], { ephemeralParameter: ["cpu=2"] })).rejects.toThrow(
      'parameter "cpu" is not ephemeral',
    );
    expect(await choose([debug], { ephemeralParameter: ["debug=true"] })).toEqual({ debug: "true" });
    expect(await choose([debug], { buildOption: ["debug=true"] })).toEqual({ debug: "true" });
  });
});

describe("a later build", () => {
  test("keeps what it has: only changes are sent", async () => {
    const previous = { region: "us", cpu: "4" };
    expect(await choose([region, cpu], {}, { action: "start", previous })).toEqual({});
    expect(await choose([region, cpu], { parameter: ["cpu=6"] }, { action: "start", previous })).toEqual({
      cpu: "6",
    });
  });

  test("refuses to change what is not mutable", async () => {
    const change = choose(
      [region],
      { parameter: ["region=eu"] },
      { action: "update", previous: { region: "us" } },
    );
    await expect(change).rejects.toThrow('parameter "region" is not mutable: it keeps its value "us"');
  });

  test("needs a value for a parameter that is new", async () => {
    await expect(choose([repo], {}, { action: "update" })).rejects.toThrow('parameter "repo" is required');
    expect(await choose([cpu], {}, { action: "update" })).toEqual({ cpu: "2" });
  });
});

describe("parameters that depend on others", () => {
  const zone = parameter("zone", { default_value: "us-1" });
  const form = {
    isDynamic: true,
    parametersFor: async (values: ReadonlyMap<string, string>) =>
      values.get("region") === "us" ? [region, zone, debug] : [region, debug],
  };
  const chosen = async (options: ParameterOptions, previous: NameValue[] = []) => {
    const input = { action: "create" as const, options, previous };
    const values = await chooseValues(testCli().cli, form, await readGiven(options), input);
    return Object.fromEntries(values.map(({ name, value }) => [name, value]));
  };

  test("come and go with each answer", async () => {
    expect(await chosen({})).toEqual({ region: "eu" });
    // Nobody is asked here, so that the default is the answer.
    expect(await chosen({ parameterDefault: ["region=us"] })).toEqual({ region: "us", zone: "us-1" });
    const previous = Object.entries({ region: "us", zone: "us-2" }).map(([name, value]) => ({ name, value }));
    expect(await chosen({}, previous)).toEqual({ region: "us", zone: "us-2" });
    expect(await chosen({ parameter: ["region=eu"] }, previous)).toEqual({ region: "eu" });
  });

  test("may be given as long as they are asked for", async () => {
    const values = { region: "us", zone: "us-3" };
    expect(await chosen({ parameter: ["region=us", "zone=us-3"] })).toEqual(values);
    expect(await chosen({ parameterDefault: ["region=us"], parameter: ["zone=us-3"] })).toEqual(values);
    await expect(chosen({ parameter: ["zone=us-3"] })).rejects.toThrow('parameter "zone" is not present');
  });
});

test("a copy has the values of the other workspace, but for ephemeral ones", async () => {
  const previous = { region: "us", cpu: "4", debug: "true" };
  expect(await choose([region, cpu, debug], { parameter: ["cpu=6"] }, { previous })).toEqual({
    region: "us",
    cpu: "6",
  });
});

describe("files", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "parameters-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function read(text: string) {
    const file = join(directory, "values.yaml");
    await writeFile(file, text);
    return Object.fromEntries(await readParameterFile(file));
  }

  test("hold a YAML map; lists become JSON", async () => {
    expect(await read('cpu: 4\nname: "x"\nflag: true\nzones: [a, b]\nempty: ""\n')).toEqual({
      cpu: "4",
      name: "x",
      flag: "true",
      zones: '["a","b"]',
      empty: "",
    });
    expect(await read("")).toEqual({});
  });

  test.each([
    ["- a\n- b\n", 'must hold one "name: value" a line'],
    ["a: {b: c}\n", 'the value of "a" must be'],
    ["a: [unclosed\n", "is not valid YAML"],
  ])("%j is refused", async (text, reason) => {
    await expect(read(text)).rejects.toThrow(reason);
  });

  test("give way to flags", async () => {
    const file = join(directory, "given.yaml");
    await writeFile(file, "cpu: 4\nrepo: a\n");
    const { values } = await readGiven({ richParameterFile: file, parameter: ["cpu=6"] });
    expect(Object.fromEntries(values)).toEqual({ cpu: "6", repo: "a" });
  });

  test("that are missing are named", async () => {
    await expect(readParameterFile(join(directory, "none.yaml"))).rejects.toThrow("--rich-parameter-file");
  });
});
