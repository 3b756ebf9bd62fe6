import { type Client, files, templates, templateVersions } from "@slipway/api";
import { packDirectory, writeTar } from "@slipway/template";
import { waitFor } from "./wait-for.ts";

type Variable = { name: string; value: string };

/** A directory, or files by name. */
export type TemplateSource = string | Record<string, string>;

/**
 * One thing that is there while the workspace runs. Its maker asks the machine what Terraform cannot know: so an apply of
 * the real program made it.
 */
export const thingTemplate: Readonly<Record<string, string>> = {
  "main.tf": `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
resource "terraform_data" "thing" {
  count = data.coder_workspace.me.start_count
  provisioner "local-exec" {
    command = "echo made by process $PPID"
  }
}
`,
};

export async function packTemplate(source: TemplateSource): Promise<Buffer<ArrayBuffer>> {
  if (typeof source === "string") return Buffer.from((await packDirectory(source)).tar);
  const entries = Object.entries(source).map(([path, text]) => ({
    path,
    type: "file" as const,
    data: Buffer.from(text),
    mode: 0o644,
  }));
  return Buffer.from(await writeTar(entries));
}

type VersionOptions = { variables?: Variable[]; tags?: Record<string, string> };

/** Uploads the source and posts its import, which waits for a provisioner. */
export async function postVersion(client: Client, source: TemplateSource, options: VersionOptions = {}) {
  const upload = { contentType: "application/x-tar", data: await packTemplate(source) };
  const { hash } = await client.call(files.uploadFile, { upload });
  return client.call(templateVersions.createTemplateVersion, {
    params: { organization: "default" },
    body: {
      storage_method: "file",
      file_id: hash,
      provisioner: "terraform",
      tags: options.tags ?? {},
      user_variable_values: options.variables ?? [],
    },
  });
}

/** Waits for the end of an import, however it ends. */
export function waitForImport(client: Client, id: string) {
  return waitFor(
    "the import to end",
    async () => {
      const version = await client.call(templateVersions.getTemplateVersion, {
        params: { templateversion: id },
      });
      return version.job.completed_at !== undefined && version;
    },
    { timeoutMs: 170_000, everyMs: 150 },
  );
}

/** Uploads the source and waits for the end of its import, however it ends. */
export async function importVersion(client: Client, source: TemplateSource, variables: Variable[] = []) {
  const { id } = await postVersion(client, source, { variables });
  return waitForImport(client, id);
}

export async function importLog(client: Client, versionId: string): Promise<string> {
  const response = await client.fetch(templateVersions.getVersionLogs, {
    params: { templateversion: versionId },
    query: { format: "text" },
  });
  return response.text();
}

/** A template of that source, ready for workspaces. */
export async function pushTemplate(
  client: Client,
  name: string,
  source: TemplateSource,
  variables: Variable[] = [],
) {
  const version = await importVersion(client, source, variables);
  if (version.job.status !== "succeeded") {
    throw new Error(`${name}: ${version.job.error}\n${await importLog(client, version.id)}`);
  }
  return client.call(templates.createTemplate, {
    params: { organization: "default" },
    body: { name, template_version_id: version.id },
  });
}
