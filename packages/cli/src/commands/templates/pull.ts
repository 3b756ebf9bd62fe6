import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { type Client, files, type templates, templateVersions } from "@slipway/api/client";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { findTemplate, findVersion } from "../../find-template.ts";
import { makeDirectory } from "../../make-directory.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { confirm } from "../../prompt.ts";

type PullOptions = { version: string; tar?: boolean; zip?: boolean; yes?: boolean };

export const configure: Configure = (command, cli) => {
  command
    .argument("<name>", "the template")
    .argument("[destination]", "directory to write to (default: a directory of the template's name)")
    .option("--version <version>", "active, latest, or a version's name", "active")
    .option("--tar", "write the archive to stdout as tar")
    .option("--zip", "write the archive to stdout as zip")
    .option("-y, --yes", "do not ask")
    .addOption(organizationOption());
  command.action(async (name: string, destination: string | undefined, options: PullOptions) => {
    if (options.tar && options.zip) throw new CliError("--tar and --zip exclude each other.");
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const template = await findTemplate(client, organization, name);
    const version = await chooseVersion(client, template, options.version);
    if (options.version === "active") {
      const latest = await latestVersion(client, template);
      if (latest.id !== version.id) {
        cli.say(cli.err.yellow(`This is the active version, ${version.name}; the newest is ${latest.name}.`));
      }
    }
    const answer = await client.fetch(files.downloadFile, {
      params: { file: version.job.file_id },
      query: options.zip ? { format: "zip" } : {},
      signal: cli.signal,
    });
    const archive = new Uint8Array(await answer.arrayBuffer());
    if (options.tar || options.zip) {
      cli.stdout.write(archive);
      return;
    }
    const target = resolve(destination ?? template.name);
    const shown = relative(process.cwd(), target) || ".";
    const present = await readdir(target).catch(() => []); // Nothing there yet.
    if (present.length > 0) {
      await confirm(cli, options.yes, `${shown} is not empty: its files may be overwritten. Go on?`);
    }
    await unpack(archive, target);
    cli.say(`Pulled version ${cli.err.bold(version.name)} of ${template.name} to ${shown}.`);
  });
};

async function chooseVersion(
  client: Client,
  template: templates.Template,
  name: string,
): Promise<templateVersions.TemplateVersion> {
  if (name === "latest") return latestVersion(client, template);
  return findVersion(client, template, name === "active" ? template.active_version_id : name);
}

async function latestVersion(
  client: Client,
  template: templates.Template,
): Promise<templateVersions.TemplateVersion> {
  const all = await client.call(templateVersions.getTemplateVersions, { params: { template: template.id } });
  const [first, ...rest] = all;
  if (!first) throw new CliError(`The template ${template.name} has no versions.`);
  return rest.reduce((newest, one) => (one.created_at > newest.created_at ? one : newest), first);
}

/** Unpacked beside and checked first: a broken archive leaves the target as it was. */
async function unpack(archive: Uint8Array, target: string): Promise<void> {
  const { extractTar } = await import("@slipway/template");
  const temporary = await mkdtemp(join(tmpdir(), "coder-template-"));
  try {
    const unpacked = join(temporary, "template");
    await extractTar(archive, unpacked);
    await makeDirectory(target, { hint: "Name another directory for the template." });
    await cp(unpacked, target, { recursive: true, force: true, verbatimSymlinks: true });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
