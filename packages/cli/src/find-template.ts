import {
  ApiResponseError,
  type Client,
  type organizations,
  templates,
  templateVersions,
} from "@slipway/api/client";
import { CliError } from "./cli-error.ts";

type Template = templates.Template;

/** A template of an organization by name, or the error that says which there are. */
export async function findTemplate(
  client: Client,
  organization: organizations.Organization,
  name: string,
): Promise<Template> {
  const found = await findTemplateIfAny(client, organization, name);
  if (found) return found;
  const all = await client.call(templates.getOrganizationTemplates, {
    params: { organization: organization.id },
  });
  throw new CliError(`template "${name}" not found in organization ${organization.name}`, {
    hint:
      all.length > 0 ? `Templates: ${all.map((one) => one.name).join(", ")}.` : "It has no templates yet.",
  });
}

export async function findTemplateIfAny(
  client: Client,
  organization: organizations.Organization,
  name: string,
): Promise<Template | undefined> {
  try {
    return await client.call(templates.getTemplateByName, {
      params: { organization: organization.id, templatename: name },
    });
  } catch (err) {
    if (err instanceof ApiResponseError && err.status === 404) return undefined;
    throw err;
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A version of a template by name or id. */
export async function findVersion(
  client: Client,
  template: Template,
  name: string,
): Promise<templateVersions.TemplateVersion> {
  const noVersion = (options: ErrorOptions) =>
    new CliError(`template "${template.name}" has no version "${name}"`, {
      hint: `List them: coder templates versions list ${template.name}`,
      ...options,
    });
  try {
    const found = uuid.test(name)
      ? await client.call(templateVersions.getTemplateVersion, { params: { templateversion: name } })
      : await client.call(templateVersions.getTemplateVersionByName, {
          params: { template: template.id, templateversionname: name },
        });
    // Any version is found by its id, those of other templates too.
    if (found.template_id !== template.id) throw noVersion({});
    return found;
  } catch (err) {
    if (!(err instanceof ApiResponseError && err.status === 404)) throw err;
    throw noVersion({ cause: err });
  }
}
