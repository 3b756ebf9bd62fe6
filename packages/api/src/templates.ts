import { z } from "zod";
import {
  DisplayName,
  defaulted,
  emptyOr,
  Name,
  optional,
  optionalEnum,
  Response,
  shown,
  Timestamp,
  Uuid,
} from "./common.ts";
import { named } from "./components.ts";
import { ProvisionerType } from "./provisioner-jobs.ts";
import { defineRoute } from "./route.ts";

export const weekdays = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;
const Weekdays = z.array(z.enum(weekdays));

export const PortShareLevel = z.enum(["owner", "organization", "authenticated", "public"]);
export type PortShareLevel = z.infer<typeof PortShareLevel>;

export const CORSBehavior = z.enum(["simple", "passthru"]);
export type CORSBehavior = z.infer<typeof CORSBehavior>;

const TransitionStats = z.object({ P50: z.number().nullable(), P95: z.number().nullable() });

export const Template = named(
  "Template",
  z.object({
    id: Uuid,
    created_at: Timestamp,
    updated_at: Timestamp,
    organization_id: Uuid,
    organization_name: z.string(),
    organization_display_name: z.string(),
    organization_icon: z.string(),
    name: z.string(),
    display_name: z.string(),
    provisioner: ProvisionerType,
    active_version_id: Uuid,
    // -1 while it is being counted.
    active_user_count: z.number().int(),
    // Milliseconds.
    build_time_stats: z.object({ start: TransitionStats, stop: TransitionStats, delete: TransitionStats }),
    description: z.string(),
    deprecated: z.boolean(),
    deprecation_message: z.string(),
    deleted: z.boolean(),
    icon: z.string(),
    default_ttl_ms: z.number().int(),
    activity_bump_ms: z.number().int(),
    time_til_autostop_notify_ms: z.number().int(),
    autostop_requirement: z.object({ days_of_week: Weekdays, weeks: z.number().int() }),
    autostart_requirement: z.object({ days_of_week: Weekdays }),
    created_by_id: Uuid,
    created_by_name: z.string(),
    allow_user_autostart: z.boolean(),
    allow_user_autostop: z.boolean(),
    allow_user_cancel_workspace_jobs: z.boolean(),
    failure_ttl_ms: z.number().int(),
    time_til_dormant_ms: z.number().int(),
    time_til_dormant_autodelete_ms: z.number().int(),
    require_active_version: z.boolean(),
    max_port_share_level: PortShareLevel,
    cors_behavior: CORSBehavior,
    use_classic_parameter_flow: z.boolean(),
    agents_allowed: z.boolean(),
    disable_module_cache: z.boolean(),
    module_cache_disabled_by_deployment: z.boolean(),
    allow_workspace_renames: z.boolean(),
  }),
);
export type Template = z.infer<typeof Template>;

// The limit is one of bytes, as Coder has it.
const Description = z.string().check((ctx) => {
  const sizeBytes = new TextEncoder().encode(ctx.value).length;
  if (sizeBytes >= 128) {
    ctx.issues.push({
      code: "custom",
      input: ctx.value,
      message: `must be shorter than 128 bytes, got ${sizeBytes}.`,
    });
  }
});

const DurationMs = z
  .number()
  .int()
  .min(0, { error: ({ input }) => `must not be negative, got ${shown(input)}.` });

const TemplateSettings = {
  display_name: optional(DisplayName),
  description: optional(Description),
  icon: optional(z.string().max(2048)),
  default_ttl_ms: optional(DurationMs),
  activity_bump_ms: optional(DurationMs),
  time_til_autostop_notify_ms: optional(DurationMs),
  autostop_requirement: optional(
    z.object({
      days_of_week: defaulted(Weekdays, []),
      weeks: defaulted(z.number().int().min(0).max(16), 0),
    }),
  ),
  autostart_requirement: optional(z.object({ days_of_week: defaulted(Weekdays, []) })),
  allow_user_cancel_workspace_jobs: optional(z.boolean()),
  allow_user_autostart: optional(z.boolean()),
  allow_user_autostop: optional(z.boolean()),
  failure_ttl_ms: optional(DurationMs),
  disable_everyone_group_access: optional(z.boolean()),
  require_active_version: optional(z.boolean()),
  max_port_share_level: optionalEnum(PortShareLevel.options),
  cors_behavior: optionalEnum(CORSBehavior.options),
  agents_allowed: optional(z.boolean()),
  allow_workspace_renames: optional(z.boolean()),
};

export const CreateTemplateRequest = named(
  "CreateTemplateRequest",
  z.object({
    name: Name,
    template_version_id: Uuid,
    ...TemplateSettings,
    // At creation these two, and the parameter flow, have names of their own.
    dormant_ttl_ms: optional(DurationMs),
    delete_ttl_ms: optional(DurationMs),
    template_use_classic_parameter_flow: optional(z.boolean()),
  }),
);
export type CreateTemplateRequest = z.infer<typeof CreateTemplateRequest>;

/** Absent fields stay as they are. */
export const UpdateTemplateMeta = named(
  "UpdateTemplateMeta",
  z.object({
    name: optional(emptyOr(Name)),
    ...TemplateSettings,
    time_til_dormant_ms: optional(DurationMs),
    time_til_dormant_autodelete_ms: optional(DurationMs),
    update_workspace_last_used_at: optional(z.boolean()),
    update_workspace_dormant_at: optional(z.boolean()),
    deprecation_message: optional(z.string().max(4096)),
    use_classic_parameter_flow: optional(z.boolean()),
    disable_module_cache: optional(z.boolean()),
  }),
);
export type UpdateTemplateMeta = z.infer<typeof UpdateTemplateMeta>;

export const TemplateExample = named(
  "TemplateExample",
  z.object({
    id: z.string(),
    url: z.string(),
    name: z.string(),
    description: z.string(),
    icon: z.string(),
    tags: z.array(z.string()),
    markdown: z.string(),
  }),
);
export type TemplateExample = z.infer<typeof TemplateExample>;

const tag = "Templates";
const TemplatesQuery = z.object({ q: z.string().optional() });

export const getTemplates = defineRoute({
  operationId: "getTemplates",
  method: "GET",
  path: "/templates",
  tag,
  summary: "List templates of all organizations",
  auth: "user",
  query: TemplatesQuery,
  responses: { 200: z.array(Template) },
});

export const getOrganizationTemplates = defineRoute({
  operationId: "getOrganizationTemplates",
  method: "GET",
  path: "/organizations/:organization/templates",
  tag,
  summary: "List templates of an organization",
  auth: "user",
  query: TemplatesQuery,
  responses: { 200: z.array(Template) },
});

export const createTemplate = defineRoute({
  operationId: "createTemplate",
  method: "POST",
  path: "/organizations/:organization/templates",
  tag,
  summary: "Create a template from an imported version",
  auth: "user",
  body: CreateTemplateRequest,
  responses: { 201: Template },
  errors: { 409: "The name is taken." },
});

export const getTemplateByName = defineRoute({
  operationId: "getTemplateByName",
  method: "GET",
  path: "/organizations/:organization/templates/:templatename",
  tag,
  summary: "Get a template by name",
  auth: "user",
  responses: { 200: Template },
});

export const getTemplate = defineRoute({
  operationId: "getTemplate",
  method: "GET",
  path: "/templates/:template",
  tag,
  summary: "Get a template",
  auth: "user",
  responses: { 200: Template },
});

export const updateTemplate = defineRoute({
  operationId: "updateTemplate",
  method: "PATCH",
  path: "/templates/:template",
  tag,
  summary: "Change a template's settings",
  auth: "user",
  body: UpdateTemplateMeta,
  responses: { 200: Template },
  errors: { 409: "The name is taken." },
});

export const deleteTemplate = defineRoute({
  operationId: "deleteTemplate",
  method: "DELETE",
  path: "/templates/:template",
  tag,
  summary: "Delete a template that no workspace uses",
  auth: "user",
  responses: { 200: Response },
});

export const getExamples = defineRoute({
  operationId: "getTemplateExamples",
  method: "GET",
  path: "/templates/examples",
  tag,
  summary: "List the starter templates",
  auth: "user",
  responses: { 200: z.array(TemplateExample) },
});

export const getOrganizationExamples = defineRoute({
  operationId: "getOrganizationTemplateExamples",
  method: "GET",
  path: "/organizations/:organization/templates/examples",
  tag,
  summary: "List the starter templates (older address)",
  auth: "user",
  responses: { 200: z.array(TemplateExample) },
});
