import { templates } from "@slipway/api/client";
import type { Configure } from "../../command-tree.ts";
import { listFormat, printList } from "../../output/format-list.ts";
import { defaultTemplateColumns, templateColumns } from "./template-columns.ts";

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, templateColumns, defaultTemplateColumns);
  command.action(async () => {
    const chosen = format();
    const found = await (await cli.client()).call(templates.getTemplates);
    // Coder's command line wraps them so; its scripts look there.
    const rows = found.map((one) => ({ ...one, Template: one }));
    printList(cli, chosen, rows, `No templates found! Create one:\n\n  ${cli.self} templates push <name>\n`);
  });
};
