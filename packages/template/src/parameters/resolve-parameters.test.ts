import { expect, test } from "vitest";
import { type ResolveInput, resolveParameters } from "./resolve-parameters.ts";
import type { RichParameter } from "./rich-parameter.ts";

const parameter = (name: string, fields: Partial<RichParameter> = {}): RichParameter => ({
  name,
  displayName: "",
  description: "",
  type: "string",
  formType: "input",
  mutable: true,
  defaultValue: "default",
  icon: "",
  options: [],
  required: false,
  ephemeral: false,
  order: 0,
  ...fields,
});
type Given = Partial<Record<"previous" | "request" | "preset", Record<string, string>>>;
function resolve(parameters: RichParameter[], given: Given, more: Partial<ResolveInput> = {}) {
  const map = (values: Record<string, string> = {}) => new Map(Object.entries(values));
  const { values, errors } = resolveParameters({
    parameters,
    previous: map(given.previous),
    request: map(given.request),
    preset: map(given.preset),
    transition: "start",
    isFirstBuild: given.previous === undefined,
    ...more,
  });
  return { values: Object.fromEntries(values.map(({ name, value }) => [name, value])), errors };
}

test("preset, then request, then previous, then default", () => {
  const all = ["a", "b", "c", "d"].map((name) => parameter(name));
  expect(
    resolve(all, {
      preset: { a: "preset" },
      request: { a: "request", b: "request" },
      previous: { a: "previous", b: "previous", c: "previous", gone: "previous" },
    }),
  ).toEqual({ values: { a: "preset", b: "request", c: "previous", d: "default" }, errors: [] });
});

test("ephemeral values last for one build", () => {
  const once = [parameter("once", { ephemeral: true })];
  expect(resolve(once, { previous: { once: "x" } }).values).toEqual({ once: "default" });
  expect(resolve(once, { previous: { once: "x" }, request: { once: "y" } }).values).toEqual({ once: "y" });
});

test("an immutable value may be repeated, set when new, and not changed", () => {
  const fixed = [parameter("fixed", { mutable: false })];
  expect(resolve(fixed, { previous: { fixed: "x" }, request: { fixed: "x" } }).errors).toEqual([]);
  expect(resolve(fixed, { previous: { other: "x" }, request: { fixed: "y" } }).values).toEqual({
    fixed: "y",
  });
  expect(resolve(fixed, { previous: { fixed: "x" }, request: { fixed: "y" } }).errors).toEqual([
    { field: "fixed", detail: 'The parameter "fixed" is not mutable: it keeps its value, "x".' },
  ]);
  expect(resolve(fixed, { previous: { fixed: "x" }, preset: { fixed: "y" } }).errors).toHaveLength(1);
});

test("a required value must come from somewhere", () => {
  const needed = [parameter("needed", { required: true, defaultValue: "" })];
  expect(resolve(needed, {}).errors).toEqual([
    { field: "needed", detail: 'The parameter "needed" is required. Give it a value.' },
  ]);
  expect(resolve(needed, { previous: { needed: "x" } }).values).toEqual({ needed: "x" });
});

test("a request may not name what the template does not have", () => {
  expect(resolve([parameter("a")], { request: { b: "x" } }).errors).toEqual([
    { field: "b", detail: 'The template has no parameter "b". It has "a".' },
  ]);
});

test("values are judged, previous ones too, and monotonic ones against the previous", () => {
  const size = [parameter("size", { type: "number", defaultValue: "1", validationMonotonic: "increasing" })];
  expect(resolve(size, { previous: { size: "5" }, request: { size: "4" } }).errors).toHaveLength(1);
  expect(resolve(size, { previous: { size: "5" }, request: { size: "6" } }).values).toEqual({ size: "6" });
  expect(resolve(size, { request: { size: "big" } }).errors).toHaveLength(1);
});

test("old values keep nobody from stopping or deleting", () => {
  const changed = [
    parameter("size", { type: "number", validationMax: 3, defaultValue: "1" }),
    parameter("new", { required: true, defaultValue: "" }),
  ];
  const given = { previous: { size: "9" } };
  expect(resolve(changed, given, { transition: "start" }).errors).toHaveLength(2);
  expect(resolve(changed, given, { transition: "stop" })).toEqual({
    values: { size: "9", new: "" },
    errors: [],
  });
  expect(resolve(changed, given, { transition: "delete" }).errors).toEqual([]);
});
