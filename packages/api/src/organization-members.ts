import { z } from "zod";
import { pagination, Timestamp, Uuid } from "./common.ts";
import { named } from "./components.ts";
import { AssignableRole, SlimRole } from "./roles.ts";
import { defineRoute } from "./route.ts";
import { LoginType, MinimalUser, UpdateRoles, UserStatus } from "./users.ts";

export const OrganizationMember = named(
  "OrganizationMember",
  z.object({
    user_id: Uuid,
    organization_id: Uuid,
    created_at: Timestamp,
    updated_at: Timestamp,
    roles: z.array(SlimRole),
  }),
);
export type OrganizationMember = z.infer<typeof OrganizationMember>;

export const OrganizationMemberWithUserData = named(
  "OrganizationMemberWithUserData",
  OrganizationMember.extend({
    username: z.string(),
    name: z.string().optional(),
    avatar_url: z.string().optional(),
    email: z.string(),
    status: UserStatus,
    login_type: LoginType,
    last_seen_at: Timestamp.optional(),
    user_created_at: Timestamp,
    user_updated_at: Timestamp,
    is_service_account: z.boolean().optional(),
    global_roles: z.array(SlimRole),
    has_ai_seat: z.boolean(),
  }),
);
export type OrganizationMemberWithUserData = z.infer<typeof OrganizationMemberWithUserData>;

const tag = "Members";

export const getMembers = defineRoute({
  operationId: "getMembers",
  method: "GET",
  path: "/organizations/:organization/members",
  tag,
  summary: "List the members of an organization",
  auth: "user",
  query: z.object({ q: z.string().optional() }),
  responses: { 200: z.array(OrganizationMemberWithUserData) },
});

export const getPaginatedMembers = defineRoute({
  operationId: "getPaginatedMembers",
  method: "GET",
  path: "/organizations/:organization/paginated-members",
  tag,
  summary: "List the members of an organization page by page",
  auth: "user",
  query: z.object({ q: z.string().optional(), ...pagination }),
  responses: {
    200: z.object({ members: z.array(OrganizationMemberWithUserData), count: z.number().int() }),
  },
});

export const getMember = defineRoute({
  operationId: "getMember",
  method: "GET",
  path: "/organizations/:organization/members/:user",
  tag,
  summary: "Get one member",
  auth: "user",
  responses: { 200: OrganizationMemberWithUserData },
});

export const addMember = defineRoute({
  operationId: "addMember",
  method: "POST",
  path: "/organizations/:organization/members/:user",
  tag,
  summary: "Make a user a member",
  auth: "user",
  responses: { 200: OrganizationMember },
  errors: { 409: "The user is a member already." },
});

export const removeMember = defineRoute({
  operationId: "removeMember",
  method: "DELETE",
  path: "/organizations/:organization/members/:user",
  tag,
  summary: "End a membership",
  auth: "user",
  responses: { 204: null },
});

export const updateMemberRoles = defineRoute({
  operationId: "updateMemberRoles",
  method: "PUT",
  path: "/organizations/:organization/members/:user/roles",
  tag,
  summary: "Replace a member's roles in the organization",
  auth: "user",
  body: UpdateRoles,
  responses: { 200: OrganizationMember },
});

export const getOrganizationRoles = defineRoute({
  operationId: "getOrganizationRoles",
  method: "GET",
  path: "/organizations/:organization/members/roles",
  tag,
  summary: "List an organization's roles and whether the caller may assign them",
  auth: "user",
  responses: { 200: z.array(AssignableRole) },
});

export const getAvailableWorkspaceOwners = defineRoute({
  operationId: "getAvailableWorkspaceOwners",
  method: "GET",
  path: "/organizations/:organization/members/:user/workspaces/available-users",
  tag,
  summary: "List the users for whom the caller may create a workspace",
  auth: "user",
  query: z.object({ q: z.string().optional(), ...pagination }),
  responses: { 200: z.array(MinimalUser) },
});
