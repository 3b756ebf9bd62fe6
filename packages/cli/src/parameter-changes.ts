import { isDeepStrictEqual } from "node:util";
import type { parameters } from "@slipway/api/client";
import type { Colors } from "./output/colors.ts";

type Parameter = parameters.TemplateVersionParameter;

export type ParameterChanges = {
  added: Parameter[];
  removed: Parameter[];
  changed: { parameter: Parameter; fields: string[] }[];
};

/** What a new version means for those who fill in its parameters. */
export function parameterChanges(
  before: readonly Parameter[],
  after: readonly Parameter[],
): ParameterChanges {
  const changes: ParameterChanges = { added: [], removed: [], changed: [] };
  for (const parameter of after) {
    const old = before.find((one) => one.name === parameter.name);
    if (!old) {
      changes.added.push(parameter);
      continue;
    }
    const fields = changedFields(old, parameter);
    if (fields.length > 0) changes.changed.push({ parameter, fields });
  }
  changes.removed = before.filter((old) => !after.some((one) => one.name === old.name));
  return changes;
}

/** The changes as lines of a diff; none for none. */
export function describeChanges(changes: ParameterChanges, colors: Colors): string[] {
  return [
    ...changes.removed.map((one) => colors.red(`- ${one.name} (${one.type})`)),
    ...changes.added.map((one) =>
      colors.green(`+ ${one.name} (${one.type}${one.required ? ", required" : ""})`),
    ),
    ...changes.changed.map(({ parameter, fields }) =>
      colors.yellow(`~ ${parameter.name}: ${fields.join(", ")}`),
    ),
  ];
}

function changedFields(old: Parameter, now: Parameter): string[] {
  const keys = new Set([...Object.keys(old), ...Object.keys(now)] as (keyof Parameter)[]);
  keys.delete("description_plaintext"); // It follows from the description.
  return [...keys]
    .filter((key) => !isDeepStrictEqual(old[key], now[key]))
    .map((key) => changeOf(key, old, now));
}

function changeOf(key: keyof Parameter, old: Parameter, now: Parameter): string {
  const name = key.replaceAll("_", " ");
  const [from, to] = [old[key], now[key]];
  const isShort = (value: unknown) => typeof value !== "object" && String(value ?? "").length <= 40;
  return isShort(from) && isShort(to) ? `${name} ${shown(from)} → ${shown(to)}` : `${name} changed`;
}

function shown(value: unknown): string {
  return value === undefined ? "none" : JSON.stringify(value);
}
