import { create } from "@bufbuild/protobuf";
import { type NamedValue, NamedValueSchema } from "@slipway/proto/provisioner";
import { readRootBlocks } from "@slipway/template";
import { sampleOfPattern } from "./sample-of-pattern.ts";

/**
 * Values for the import, for parameters that people must choose. The provider holds "" against the rules of a
 * parameter that has neither value nor default (provisioning.md 13.3, "Value rule"), and then nothing could be learnt
 * of the template. Whatever is planned with them is not kept; builds get what people give, or are refused before.
 */
export async function placeholderValues(files: ReadonlyMap<string, string>): Promise<NamedValue[]> {
  // What is wrong with the sources is told elsewhere.
  const { blocks } = await readRootBlocks(
    files,
    (type, labels) => type === "data" && labels[0] === "coder_parameter",
  );
  return blocks.flatMap(({ json }) => {
    const name = literal(json.name);
    const [validation] = blocksOf(json.validation);
    // Without a rule, "" is accepted.
    if (name === null || !validation || json.default !== undefined) return [];
    const [option] = blocksOf(json.option);
    const value = option ? literal(option.value) : valueFor(literal(json.type ?? "string"), validation);
    return value === null || value === "" ? [] : [create(NamedValueSchema, { name, value })];
  });
}

function valueFor(type: string | null, validation: Record<string, unknown>): string | null {
  switch (type) {
    case "string": {
      const regex = literal(validation.regex);
      return regex === null ? null : sampleOfPattern(regex);
    }
    case "number":
      return literal(validation.min ?? validation.max ?? 0);
    case "bool":
      return "false";
    case "list(string)":
      return "[]";
    default:
      return null;
  }
}

/** Nested blocks come as a list, also where there is one. */
function blocksOf(value: unknown): Record<string, unknown>[] {
  const all = Array.isArray(value) ? value : [value];
  return all.filter((one): one is Record<string, unknown> => typeof one === "object" && one !== null);
}

/** What stands there as it is; expressions are known to the plan only. */
function literal(value: unknown): string | null {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && !value.includes("${") && !value.includes("%{") ? value : null;
}
