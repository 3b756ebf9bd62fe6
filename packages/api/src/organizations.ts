import { z } from "zod";
import { DisplayName, emptyOr, OrganizationName, optional, Response, Timestamp, Uuid } from "./common.ts";
import { named } from "./components.ts";
import { defineRoute } from "./route.ts";

export const Organization = named(
  "Organization",
  z.object({
    id: Uuid,
    name: z.string(),
    display_name: z.string(),
    icon: z.string(),
    description: z.string(),
    created_at: Timestamp,
    updated_at: Timestamp,
    is_default: z.boolean(),
    default_org_member_roles: z.array(z.string()),
  }),
);
export type Organization = z.infer<typeof Organization>;

export const CreateOrganizationRequest = named(
  "CreateOrganizationRequest",
  z.object({
    name: OrganizationName,
    display_name: optional(DisplayName),
    description: optional(z.string().max(1024)),
    icon: optional(z.string().max(2048)),
  }),
);
export type CreateOrganizationRequest = z.infer<typeof CreateOrganizationRequest>;

export const UpdateOrganizationRequest = named(
  "UpdateOrganizationRequest",
  z.object({
    name: optional(emptyOr(OrganizationName)),
    display_name: optional(DisplayName),
    description: optional(z.string().max(1024)),
    icon: optional(z.string().max(2048)),
    default_org_member_roles: optional(z.array(z.string().min(1).max(64))),
  }),
);
export type UpdateOrganizationRequest = z.infer<typeof UpdateOrganizationRequest>;

const tag = "Organizations";

export const getOrganizations = defineRoute({
  operationId: "getOrganizations",
  method: "GET",
  path: "/organizations",
  tag,
  summary: "List organizations",
  auth: "user",
  responses: { 200: z.array(Organization) },
});

export const getOrganization = defineRoute({
  operationId: "getOrganization",
  method: "GET",
  path: "/organizations/:organization",
  tag,
  summary: "Get an organization",
  auth: "user",
  responses: { 200: Organization },
});

export const createOrganization = defineRoute({
  operationId: "createOrganization",
  method: "POST",
  path: "/organizations",
  tag,
  summary: "Create an organization",
  auth: "user",
  body: CreateOrganizationRequest,
  responses: { 201: Organization },
  errors: { 409: "The name is taken." },
});

export const updateOrganization = defineRoute({
  operationId: "updateOrganization",
  method: "PATCH",
  path: "/organizations/:organization",
  tag,
  summary: "Change an organization",
  auth: "user",
  body: UpdateOrganizationRequest,
  responses: { 200: Organization },
  errors: { 409: "The name is taken." },
});

export const deleteOrganization = defineRoute({
  operationId: "deleteOrganization",
  method: "DELETE",
  path: "/organizations/:organization",
  tag,
  summary: "Delete an organization; the default one stays",
  auth: "user",
  responses: { 200: Response },
});
