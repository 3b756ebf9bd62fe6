import { type Client, type jobs, templateVersions } from "@slipway/api/client";
import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";
import { followJob } from "./follow-job.ts";
import { askSecret, askText } from "./prompt.ts";
import { wholeRequest } from "./whole-request.ts";

type Version = templateVersions.TemplateVersion;
export type ImportRequest = {
  organizationId: string;
  fileId: string;
  templateId?: string | undefined;
  name?: string | undefined;
  message: string;
  provisioner: jobs.ProvisionerType;
  tags: Record<string, string>;
  variables: ReadonlyMap<string, string>;
  /** Show the logs only when the import fails. */
  quiet?: boolean;
};

/**
 * Makes a template version and shows its import until the end. Variables that have no value are asked for, and the
 * import is made again with them; where nobody can be asked, the error names them.
 */
export async function importVersion(cli: Cli, client: Client, request: ImportRequest): Promise<Version> {
  const version = await wholeRequest(cli, () =>
    client.call(templateVersions.createTemplateVersion, {
      params: { organization: request.organizationId },
      body: {
        storage_method: "file",
        file_id: request.fileId,
        provisioner: request.provisioner,
        message: request.message,
        tags: request.tags,
        user_variable_values: [...request.variables].map(([name, value]) => ({ name, value })),
        ...(request.templateId ? { template_id: request.templateId } : {}),
        ...(request.name ? { name: request.name } : {}),
      },
    }),
  );
  const params = { templateversion: version.id };
  const fetch = async () => (await client.call(templateVersions.getTemplateVersion, { params })).job;
  try {
    await followJob(cli, version.job, {
      title: "import",
      fetch,
      logs: (after) =>
        client.webSocket(templateVersions.getVersionLogs, { params, query: { follow: true, after } }),
      cancel: () => client.call(templateVersions.cancelTemplateVersion, { params }),
      quiet: request.quiet ?? false,
    });
  } catch (err) {
    cli.signal.throwIfAborted();
    const job = await fetch();
    if (job.error_code !== "REQUIRED_TEMPLATE_VARIABLES") throw err;
    const variables = await missingVariables(cli, client, version, request.variables, err);
    // A version's name can be used once; the failed one keeps it.
    return importVersion(cli, client, { ...request, name: undefined, variables });
  }
  // Told to cancel it, the server may have been done a moment before: what was to follow must not, all the same.
  cli.signal.throwIfAborted();
  return wholeRequest(cli, () => client.call(templateVersions.getTemplateVersion, { params }));
}

async function missingVariables(
  cli: Cli,
  client: Client,
  version: Version,
  given: ReadonlyMap<string, string>,
  cause: unknown,
): Promise<Map<string, string>> {
  const declared = await client.call(templateVersions.getVariables, {
    params: { templateversion: version.id },
  });
  const missing = declared.filter((one) => one.required && one.value === "" && !given.has(one.name));
  if (missing.length === 0) throw cause;
  if (!cli.interactive) {
    throw new CliError(`The template needs values for: ${missing.map((one) => one.name).join(", ")}.`, {
      hint: `Give them: ${missing.map((one) => `--variable ${one.name}=VALUE`).join(" ")}, or --variables-file.`,
      cause,
    });
  }
  const values = new Map(given);
  for (const variable of missing) {
    const question = {
      message: variable.description ? `${variable.name}: ${variable.description}` : variable.name,
      flag: `--variable ${variable.name}=VALUE`,
    };
    values.set(variable.name, await (variable.sensitive ? askSecret(cli, question) : askText(cli, question)));
  }
  return values;
}
