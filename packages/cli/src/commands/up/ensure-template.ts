import { type Client, files, templates } from "@slipway/api/client";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import { importVersion } from "../../import-version.ts";
import { readTemplate } from "../../template-source.ts";
import { type StarterId, starterDirectory } from "./choose-starter.ts";

type Template = templates.Template;

/** The starter template as the server has it; pushed when it is not there yet. */
export async function ensureTemplate(
  cli: Cli,
  client: Client,
  organizationId: string,
  id: StarterId,
): Promise<Template> {
  const all = await client.call(templates.getTemplates);
  const known = all.find((one) => one.name === id && one.organization_id === organizationId);
  if (known) return known;
  cli.say(
    `Preparing the template ${cli.err.bold(id)}: fetching what Terraform needs takes a moment the first time.`,
  );
  const source = await readTemplate(cli, starterDirectory(id));
  const file = await client.call(files.uploadFile, {
    upload: { contentType: "application/x-tar", data: source.tar },
  });
  const version = await importVersion(cli, client, {
    organizationId,
    fileId: file.hash,
    message: "Made by coder up",
    provisioner: "terraform",
    tags: {},
    variables: source.variables,
    quiet: true,
  }).catch((err: unknown) => {
    cli.signal.throwIfAborted();
    if (!(err instanceof CliError)) throw err;
    throw new CliError(`The starter template "${id}" cannot be used: ${err.message}`, {
      ...(err.hint ? { hint: err.hint } : {}),
      cause: err,
    });
  });
  return client.call(templates.createTemplate, {
    params: { organization: organizationId },
    body: {
      name: id,
      template_version_id: version.id,
      ...(source.readme.displayName ? { display_name: source.readme.displayName } : {}),
      ...(source.readme.description ? { description: source.readme.description } : {}),
      ...(source.readme.icon ? { icon: source.readme.icon } : {}),
    },
  });
}
