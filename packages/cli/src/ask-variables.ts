import type { Cli } from "./cli.ts";
import { askSecret, askText } from "./prompt.ts";

/**
 * Asks for every variable of a template that has no value yet, with its default to begin with. An empty answer leaves
 * a variable with a default at it.
 */
export async function askVariables(
  cli: Cli,
  tar: Uint8Array,
  given: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const { parseVariables, readRootFiles } = await import("@slipway/template");
  // What is wrong with the template is told by its import, with the place.
  const { variables } = await parseVariables(await readRootFiles(tar));
  const values = new Map(given);
  for (const { name, description, defaultValue, required, sensitive } of variables) {
    if (values.has(name)) continue;
    const ask = {
      message: description ? `${name}: ${description}` : name,
      flag: `--variable ${name}=VALUE`,
    };
    const value = sensitive
      ? await askSecret(cli, ask)
      : await askText(cli, { ...ask, ...(required ? {} : { initial: defaultValue }) });
    if (required || value !== "") values.set(name, value);
  }
  return values;
}
