import { relative, resolve } from "node:path";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { askChoice } from "../../prompt.ts";
import { copyStarterTemplate, starterTemplates } from "../../starter-templates.ts";

export const configure: Configure = (command, cli) => {
  command
    .argument("[directory]", "where to put the template (default: a directory of its name)")
    .option("--id <example>", "which starter template to begin with");
  command.action(async (directory: string | undefined, options: { id?: string }) => {
    const examples = await starterTemplates();
    const id =
      options.id ??
      (await askChoice(cli, {
        message: "Starter template",
        flag: "--id",
        options: examples.map((one) => ({ value: one.id, label: one.name, hint: one.description })),
      }));
    const example = examples.find((one) => one.id === id);
    if (!example) {
      throw new CliError(`There is no starter template "${id}".`, {
        hint: `Choose from: ${examples.map((one) => one.id).join(", ")}.`,
      });
    }
    const target = resolve(directory ?? id);
    await copyStarterTemplate(id, target);
    const shown = relative(process.cwd(), target) || ".";
    cli.say(
      `The template ${cli.err.bold(example.name)} is in ${shown}. Look at it, change it, then push it:\n`,
    );
    cli.say(`  cd ${shown} && ${cli.self} templates push`);
  });
};
