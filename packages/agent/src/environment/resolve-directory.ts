import { isAbsolute, join, resolve } from "node:path";
import { expandVariables } from "./expand-variables.ts";

/**
 * A directory or file name of a template: `~`, `$HOME/src` and names relative to the home directory become
 * absolute. The empty name is the home directory.
 */
export function resolveDirectory(
  name: string,
  home: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (name === "" || name === "~") return home;
  const tilde = name.startsWith("~/") ? join(home, name.slice(2)) : name;
  const expanded = expandVariables(tilde, { ...env, HOME: home });
  return isAbsolute(expanded) ? resolve(expanded) : resolve(home, expanded);
}
