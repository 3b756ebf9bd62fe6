import { z } from "zod";
import {
  defaulted,
  emptyOr,
  list,
  NameValue,
  OptionalUuid,
  optional,
  pagination,
  QueryBool,
  Response,
  Tags,
  TemplateVersionName,
  Timestamp,
  Uuid,
} from "./common.ts";
import { named } from "./components.ts";
import {
  JobLogsQuery,
  MatchedProvisioners,
  ProvisionerJob,
  ProvisionerJobLog,
  ProvisionerType,
} from "./provisioner-jobs.ts";
import { defineRoute } from "./route.ts";
import {
  Diagnostic,
  Preset,
  PreviewParameter,
  TemplateVersionParameter,
  TemplateVersionVariable,
} from "./template-parameters.ts";
import { MinimalUser } from "./users.ts";
import { WorkspaceResource } from "./workspace-builds.ts";

export const TemplateVersion = named(
  "TemplateVersion",
  z.object({
    id: Uuid,
    template_id: Uuid.optional(),
    organization_id: Uuid.optional(),
    created_at: Timestamp,
    updated_at: Timestamp,
    name: z.string(),
    message: z.string(),
    job: ProvisionerJob,
    /** The import's tags that its request named; the others follow from the template's code. */
    requested_tags: Tags.optional(),
    readme: z.string(),
    created_by: MinimalUser,
    archived: z.boolean(),
    warnings: z.array(z.string()).optional(),
    matched_provisioners: MatchedProvisioners.optional(),
    has_external_agent: z.boolean(),
  }),
);
export type TemplateVersion = z.infer<typeof TemplateVersion>;

export const TemplateVersionExternalAuth = named(
  "TemplateVersionExternalAuth",
  z.object({
    id: z.string(),
    type: z.string(),
    display_name: z.string(),
    display_icon: z.string(),
    authenticate_url: z.string(),
    authenticated: z.boolean(),
    optional: z.boolean().optional(),
  }),
);
export type TemplateVersionExternalAuth = z.infer<typeof TemplateVersionExternalAuth>;

const Message = z.string().max(1024 * 1024);
const VersionName = optional(emptyOr(TemplateVersionName));

export const CreateTemplateVersionRequest = named(
  "CreateTemplateVersionRequest",
  z
    .object({
      name: VersionName,
      message: defaulted(Message, ""),
      template_id: OptionalUuid,
      storage_method: z.literal("file"),
      file_id: OptionalUuid,
      example_id: optional(z.string().max(64)),
      provisioner: ProvisionerType,
      tags: defaulted(Tags, {}),
      user_variable_values: list(NameValue),
    })
    .check((ctx) => {
      const { file_id, example_id } = ctx.value;
      if (Boolean(file_id) === Boolean(example_id)) {
        ctx.issues.push({
          code: "custom",
          input: file_id,
          path: ["file_id"],
          message: `${file_id ? "and example_id exclude each other" : "or example_id is required"}: give exactly one.`,
        });
      }
    }),
);
export type CreateTemplateVersionRequest = z.infer<typeof CreateTemplateVersionRequest>;

export const CreateDryRunRequest = named(
  "CreateTemplateVersionDryRunRequest",
  z.object({
    workspace_name: defaulted(z.string().max(64), ""),
    rich_parameter_values: list(NameValue),
    user_variable_values: list(NameValue),
  }),
);
export type CreateDryRunRequest = z.infer<typeof CreateDryRunRequest>;

export const DynamicParametersRequest = named(
  "DynamicParametersRequest",
  z.object({
    id: z.number().int(),
    inputs: defaulted(z.record(z.string(), z.string()), {}),
    owner_id: OptionalUuid,
  }),
);
export type DynamicParametersRequest = z.infer<typeof DynamicParametersRequest>;

export const DynamicParametersResponse = named(
  "DynamicParametersResponse",
  z.object({
    id: z.number().int(),
    diagnostics: z.array(Diagnostic),
    parameters: z.array(PreviewParameter),
  }),
);
export type DynamicParametersResponse = z.infer<typeof DynamicParametersResponse>;

export const ArchiveTemplateVersionsResponse = named(
  "ArchiveTemplateVersionsResponse",
  z.object({ template_id: Uuid, archived_ids: z.array(Uuid) }),
);

const tag = "Template versions";
const notImported = { 425: "The import of the version has not finished." };

export const createTemplateVersion = defineRoute({
  operationId: "createTemplateVersion",
  method: "POST",
  path: "/organizations/:organization/templateversions",
  tag,
  summary: "Create a version from an archive and queue its import",
  auth: "user",
  body: CreateTemplateVersionRequest,
  responses: { 201: TemplateVersion },
  errors: { 409: "The template has a version of this name." },
});

export const getTemplateVersions = defineRoute({
  operationId: "getTemplateVersions",
  method: "GET",
  path: "/templates/:template/versions",
  tag,
  summary: "List the versions of a template",
  auth: "user",
  query: z.object({ ...pagination, include_archived: QueryBool.optional() }),
  responses: { 200: z.array(TemplateVersion) },
});

export const updateActiveTemplateVersion = defineRoute({
  operationId: "updateActiveTemplateVersion",
  method: "PATCH",
  path: "/templates/:template/versions",
  tag,
  summary: "Promote a version: make it the template's active one",
  auth: "user",
  body: z.object({ id: Uuid }),
  responses: { 200: Response },
});

export const archiveTemplateVersions = defineRoute({
  operationId: "archiveTemplateVersions",
  method: "POST",
  path: "/templates/:template/versions/archive",
  tag,
  summary: "Archive failed versions that nothing uses, or with all every such version",
  auth: "user",
  body: z.object({ all: defaulted(z.boolean(), false) }),
  responses: { 200: ArchiveTemplateVersionsResponse },
});

export const getTemplateVersionByName = defineRoute({
  operationId: "getTemplateVersionByName",
  method: "GET",
  path: "/templates/:template/versions/:templateversionname",
  tag,
  summary: "Get a version of a template by name",
  auth: "user",
  responses: { 200: TemplateVersion },
});

export const getOrganizationTemplateVersionByName = defineRoute({
  operationId: "getOrganizationTemplateVersionByName",
  method: "GET",
  path: "/organizations/:organization/templates/:templatename/versions/:templateversionname",
  tag,
  summary: "Get a version by the names of its template and its own",
  auth: "user",
  responses: { 200: TemplateVersion },
});

export const getPreviousTemplateVersion = defineRoute({
  operationId: "getPreviousTemplateVersion",
  method: "GET",
  path: "/organizations/:organization/templates/:templatename/versions/:templateversionname/previous",
  tag,
  summary: "Get the version before a version; 204 when there is none",
  auth: "user",
  responses: { 200: TemplateVersion, 204: null },
});

export const getTemplateVersion = defineRoute({
  operationId: "getTemplateVersion",
  method: "GET",
  path: "/templateversions/:templateversion",
  tag,
  summary: "Get a version",
  auth: "user",
  responses: { 200: TemplateVersion },
});

export const updateTemplateVersion = defineRoute({
  operationId: "updateTemplateVersion",
  method: "PATCH",
  path: "/templateversions/:templateversion",
  tag,
  summary: "Change name or message of a version",
  auth: "user",
  body: z.object({ name: VersionName, message: optional(Message) }),
  responses: { 200: TemplateVersion },
  errors: { 409: "The template has a version of this name." },
});

export const cancelTemplateVersion = defineRoute({
  operationId: "cancelTemplateVersion",
  method: "PATCH",
  path: "/templateversions/:templateversion/cancel",
  tag,
  summary: "Cancel the import of a version",
  auth: "user",
  responses: { 200: Response },
  errors: { 412: "The import has ended or is being canceled already." },
});

export const archiveTemplateVersion = defineRoute({
  operationId: "archiveTemplateVersion",
  method: "POST",
  path: "/templateversions/:templateversion/archive",
  tag,
  summary: "Archive a version",
  auth: "user",
  responses: { 200: Response },
});

export const unarchiveTemplateVersion = defineRoute({
  operationId: "unarchiveTemplateVersion",
  method: "POST",
  path: "/templateversions/:templateversion/unarchive",
  tag,
  summary: "Take a version out of the archive",
  auth: "user",
  responses: { 200: Response },
});

export const getRichParameters = defineRoute({
  operationId: "getTemplateVersionRichParameters",
  method: "GET",
  path: "/templateversions/:templateversion/rich-parameters",
  tag,
  summary: "List the parameters of a version",
  auth: "user",
  responses: { 200: z.array(TemplateVersionParameter) },
  errors: notImported,
});

export const getVariables = defineRoute({
  operationId: "getTemplateVersionVariables",
  method: "GET",
  path: "/templateversions/:templateversion/variables",
  tag,
  summary: "List the Terraform variables of a version; sensitive values are hidden",
  auth: "user",
  responses: { 200: z.array(TemplateVersionVariable) },
  errors: notImported,
});

export const getPresets = defineRoute({
  operationId: "getTemplateVersionPresets",
  method: "GET",
  path: "/templateversions/:templateversion/presets",
  tag,
  summary: "List the presets of a version",
  auth: "user",
  responses: { 200: z.array(Preset) },
  errors: notImported,
});

export const getVersionResources = defineRoute({
  operationId: "getTemplateVersionResources",
  method: "GET",
  path: "/templateversions/:templateversion/resources",
  tag,
  summary: "List the resources that a version would make",
  auth: "user",
  responses: { 200: z.array(WorkspaceResource) },
  errors: notImported,
});

export const getVersionExternalAuth = defineRoute({
  operationId: "getTemplateVersionExternalAuth",
  method: "GET",
  path: "/templateversions/:templateversion/external-auth",
  tag,
  summary: "List the external logins that a version asks for",
  auth: "user",
  responses: { 200: z.array(TemplateVersionExternalAuth) },
  errors: notImported,
});

export const getVersionLogs = defineRoute({
  operationId: "getTemplateVersionLogs",
  method: "GET",
  path: "/templateversions/:templateversion/logs",
  tag,
  summary: "Get the import's logs, or with follow a WebSocket of them",
  auth: "user",
  query: JobLogsQuery,
  responses: { 101: null, 200: z.array(ProvisionerJobLog) },
  stream: "websocket",
  message: ProvisionerJobLog,
});

// Parameters of the old kind are gone from Terraform; both addresses always answer [].
export const getLegacySchema = defineRoute({
  operationId: "getTemplateVersionSchema",
  method: "GET",
  path: "/templateversions/:templateversion/schema",
  tag,
  summary: "Always an empty list, for old clients",
  auth: "user",
  responses: { 200: z.array(z.unknown()) },
});

export const getLegacyParameters = defineRoute({
  operationId: "getTemplateVersionParameters",
  method: "GET",
  path: "/templateversions/:templateversion/parameters",
  tag,
  summary: "Always an empty list, for old clients",
  auth: "user",
  responses: { 200: z.array(z.unknown()) },
});

export const watchDynamicParameters = defineRoute({
  operationId: "watchDynamicParameters",
  method: "GET",
  path: "/templateversions/:templateversion/dynamic-parameters",
  tag,
  summary: "Evaluate parameters while a person fills in the form",
  description: "Each client message is a DynamicParametersRequest. The server's first message has the id -1.",
  auth: "user",
  query: z.object({ user_id: Uuid.optional() }),
  responses: { 101: null },
  errors: notImported,
  stream: "websocket",
  message: DynamicParametersResponse,
});

export const evaluateDynamicParameters = defineRoute({
  operationId: "evaluateDynamicParameters",
  method: "POST",
  path: "/templateversions/:templateversion/dynamic-parameters/evaluate",
  tag,
  summary: "Evaluate parameters once",
  auth: "user",
  body: DynamicParametersRequest,
  responses: { 200: DynamicParametersResponse },
  errors: notImported,
});

export const createDryRun = defineRoute({
  operationId: "createTemplateVersionDryRun",
  method: "POST",
  path: "/templateversions/:templateversion/dry-run",
  tag,
  summary: "Plan a workspace without making it",
  auth: "user",
  body: CreateDryRunRequest,
  responses: { 201: ProvisionerJob },
  errors: notImported,
});

export const getDryRun = defineRoute({
  operationId: "getTemplateVersionDryRun",
  method: "GET",
  path: "/templateversions/:templateversion/dry-run/:job",
  tag,
  summary: "Get a dry run",
  auth: "user",
  responses: { 200: ProvisionerJob },
});

export const getDryRunResources = defineRoute({
  operationId: "getTemplateVersionDryRunResources",
  method: "GET",
  path: "/templateversions/:templateversion/dry-run/:job/resources",
  tag,
  summary: "List the resources that a dry run planned",
  auth: "user",
  responses: { 200: z.array(WorkspaceResource) },
});

export const getDryRunLogs = defineRoute({
  operationId: "getTemplateVersionDryRunLogs",
  method: "GET",
  path: "/templateversions/:templateversion/dry-run/:job/logs",
  tag,
  summary: "Get a dry run's logs, or with follow a WebSocket of them",
  auth: "user",
  query: JobLogsQuery,
  responses: { 101: null, 200: z.array(ProvisionerJobLog) },
  stream: "websocket",
  message: ProvisionerJobLog,
});

export const getDryRunMatchedProvisioners = defineRoute({
  operationId: "getTemplateVersionDryRunMatchedProvisioners",
  method: "GET",
  path: "/templateversions/:templateversion/dry-run/:job/matched-provisioners",
  tag,
  summary: "Count the daemons that can take a dry run",
  auth: "user",
  responses: { 200: MatchedProvisioners },
});

export const cancelDryRun = defineRoute({
  operationId: "cancelTemplateVersionDryRun",
  method: "PATCH",
  path: "/templateversions/:templateversion/dry-run/:job/cancel",
  tag,
  summary: "Cancel a dry run",
  auth: "user",
  responses: { 200: Response },
  errors: { 412: "The dry run has ended or is being canceled already." },
});
