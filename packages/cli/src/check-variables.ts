import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";

/**
 * Refuses values for variables that the template does not declare: a mistyped name would leave the variable that was
 * meant at its default. Of those in a file, which may serve several templates, it only warns, as Terraform does.
 */
export async function checkVariables(
  cli: Cli,
  tar: Uint8Array,
  given: { byFlag: Iterable<string>; byFile: Iterable<string> },
): Promise<void> {
  const names = { byFlag: [...given.byFlag], byFile: [...given.byFile] };
  if (names.byFlag.length + names.byFile.length === 0) return;
  const { parseVariables, readRootFiles } = await import("@slipway/template");
  const { variables, diagnostics } = await parseVariables(await readRootFiles(tar));
  // What is wrong with the template is told by its import, with the place.
  if (diagnostics.length > 0) return;
  const declared = variables.map(({ name }) => name);
  const list = declared.length > 0 ? `It declares: ${declared.join(", ")}.` : "It declares none.";
  const unknownIn = (some: readonly string[]) =>
    some.filter((name) => !declared.includes(name)).map((name) => `"${name}"`);
  const byFlag = unknownIn(names.byFlag);
  if (byFlag.length > 0) {
    throw new CliError(`The template does not declare the variable ${byFlag.join(", ")}.`, { hint: list });
  }
  const byFile = unknownIn(names.byFile);
  if (byFile.length > 0) {
    cli.say(
      cli.err.yellow(
        `The variables file has values that the template does not use: ${byFile.join(", ")}. ${list}`,
      ),
    );
  }
}
