import { z } from "zod";
import {
  list,
  NameValue,
  optional,
  optionalEnum,
  pagination,
  RealName,
  Response,
  Timestamp,
  Username,
  Uuid,
} from "./common.ts";
import { named } from "./components.ts";
import { Organization } from "./organizations.ts";
import { AssignableRole, SlimRole } from "./roles.ts";
import { defineRoute } from "./route.ts";

export const UserStatus = z.enum(["active", "dormant", "suspended"]);
export type UserStatus = z.infer<typeof UserStatus>;

export const LoginType = z.enum(["password", "github", "oidc", "token", "none", ""]);
export type LoginType = z.infer<typeof LoginType>;

export const MinimalUser = named(
  "MinimalUser",
  z.object({
    id: Uuid,
    username: z.string(),
    name: z.string().optional(),
    avatar_url: z.string().optional(),
  }),
);
export type MinimalUser = z.infer<typeof MinimalUser>;

export const ReducedUser = named(
  "ReducedUser",
  MinimalUser.extend({
    email: z.string(),
    created_at: Timestamp,
    updated_at: Timestamp,
    last_seen_at: Timestamp.optional(),
    status: UserStatus,
    login_type: LoginType,
    is_service_account: z.boolean().optional(),
    theme_preference: z.string().optional(),
  }),
);
export type ReducedUser = z.infer<typeof ReducedUser>;

export const User = named(
  "User",
  ReducedUser.extend({
    organization_ids: z.array(Uuid),
    roles: z.array(SlimRole),
    has_ai_seat: z.boolean(),
  }),
);
export type User = z.infer<typeof User>;

// Lenient: addresses within a company need no dot, and letters need not be Latin.
const Email = z
  .email({ pattern: z.regexes.unicodeEmail, error: "must be an e-mail address such as ada@example.com." })
  .max(254);
// Strength is judged by the server; this bounds the work of the hash.
const Password = z.string().min(1, { error: "must not be empty." }).max(1024);

export const CreateFirstUserRequest = named(
  "CreateFirstUserRequest",
  z.object({ email: Email, username: Username, name: optional(RealName), password: Password }),
);
export type CreateFirstUserRequest = z.infer<typeof CreateFirstUserRequest>;

export const CreateFirstUserResponse = named(
  "CreateFirstUserResponse",
  z.object({ user_id: Uuid, organization_id: Uuid }),
);
export type CreateFirstUserResponse = z.infer<typeof CreateFirstUserResponse>;

export const AuthMethods = named(
  "AuthMethods",
  z.object({
    terms_of_service_url: z.string().optional(),
    password: z.object({ enabled: z.boolean() }),
    github: z.object({ enabled: z.boolean(), default_provider_configured: z.boolean() }),
    // The two camelCase names are Coder's.
    oidc: z.object({ enabled: z.boolean(), signInText: z.string(), iconUrl: z.string() }),
  }),
);
export type AuthMethods = z.infer<typeof AuthMethods>;

export const LoginWithPasswordRequest = named(
  "LoginWithPasswordRequest",
  z.object({ email: z.string().min(1).max(254), password: Password }),
);
export type LoginWithPasswordRequest = z.infer<typeof LoginWithPasswordRequest>;

export const LoginWithPasswordResponse = named(
  "LoginWithPasswordResponse",
  z.object({ session_token: z.string() }),
);
export type LoginWithPasswordResponse = z.infer<typeof LoginWithPasswordResponse>;

export const ValidatePasswordResponse = named(
  "ValidatePasswordResponse",
  z.object({ valid: z.boolean(), details: z.string() }),
);

export const GetUsersResponse = named(
  "GetUsersResponse",
  z.object({ users: z.array(User), count: z.number().int() }),
);
export type GetUsersResponse = z.infer<typeof GetUsersResponse>;

// Which of these fit together depends on the login type (rest-api.md 5.2): the server decides and says so.
export const CreateUserRequest = named(
  "CreateUserRequest",
  z.object({
    email: optional(z.union([Email, z.literal("")], { error: "must be an e-mail address." })),
    username: Username,
    name: optional(RealName),
    password: optional(z.string().max(1024)),
    login_type: optionalEnum(["password", "github", "oidc", "none"]),
    user_status: optional(UserStatus),
    organization_ids: list(Uuid),
    service_account: optional(z.boolean()),
    roles: list(z.string()),
  }),
);
export type CreateUserRequest = z.infer<typeof CreateUserRequest>;

export const UpdateUserProfileRequest = named(
  "UpdateUserProfileRequest",
  z.object({ username: Username, name: optional(RealName), avatar_url: optional(z.string().max(2048)) }),
);
export type UpdateUserProfileRequest = z.infer<typeof UpdateUserProfileRequest>;

export const UpdateUserPasswordRequest = named(
  "UpdateUserPasswordRequest",
  z.object({ old_password: optional(z.string().max(1024)), password: Password }),
);

export const UserRoles = named(
  "UserRoles",
  z.object({ roles: z.array(z.string()), organization_roles: z.record(Uuid, z.array(z.string())) }),
);
export type UserRoles = z.infer<typeof UserRoles>;

export const UpdateRoles = named("UpdateRoles", z.object({ roles: list(z.string().min(1).max(64)) }));

export const UserAppearanceSettings = named(
  "UserAppearanceSettings",
  z.object({ theme_preference: z.string(), terminal_font: z.string() }),
);

/** What the dashboard remembers for a user. */
export const UserPreferenceSettings = named(
  "UserPreferenceSettings",
  z.object({ task_notification_alert_dismissed: z.boolean() }),
);
export type UserPreferenceSettings = z.infer<typeof UserPreferenceSettings>;

export const RequestOneTimePasscodeRequest = named(
  "RequestOneTimePasscodeRequest",
  z.object({ email: Email }),
);

export const ChangePasswordWithOneTimePasscodeRequest = named(
  "ChangePasswordWithOneTimePasscodeRequest",
  z.object({ email: Email, password: Password, one_time_passcode: z.string().min(1).max(64) }),
);

export const UserParameter = NameValue;

export const GitSSHKey = named(
  "GitSSHKey",
  z.object({ user_id: Uuid, created_at: Timestamp, updated_at: Timestamp, public_key: z.string() }),
);
export type GitSSHKey = z.infer<typeof GitSSHKey>;

const tag = "Users";

export const getFirstUser = defineRoute({
  operationId: "getFirstUser",
  method: "GET",
  path: "/users/first",
  tag,
  summary: "Tell whether a first user exists",
  auth: "none",
  responses: { 200: Response },
  errors: { 404: "No user exists yet." },
});

export const createFirstUser = defineRoute({
  operationId: "createFirstUser",
  method: "POST",
  path: "/users/first",
  tag,
  summary: "Create the first user, who becomes owner",
  auth: "none",
  body: CreateFirstUserRequest,
  responses: { 201: CreateFirstUserResponse },
  errors: { 409: "A first user exists already." },
});

export const getAuthMethods = defineRoute({
  operationId: "getAuthMethods",
  method: "GET",
  path: "/users/authmethods",
  tag,
  summary: "List the ways to log in",
  auth: "none",
  responses: { 200: AuthMethods },
});

export const login = defineRoute({
  operationId: "login",
  method: "POST",
  path: "/users/login",
  tag,
  summary: "Log in with e-mail and password",
  auth: "none",
  body: LoginWithPasswordRequest,
  responses: { 201: LoginWithPasswordResponse },
  errors: { 401: "The e-mail or the password is wrong.", 403: "This account cannot log in with a password." },
});

export const logout = defineRoute({
  operationId: "logout",
  method: "POST",
  path: "/users/logout",
  tag,
  summary: "End the session: delete its key",
  auth: "user",
  responses: { 200: Response },
});

export const validatePassword = defineRoute({
  operationId: "validatePassword",
  method: "POST",
  path: "/users/validate-password",
  tag,
  summary: "Judge the strength of a password",
  auth: "none",
  body: z.object({ password: z.string().max(1024) }),
  responses: { 200: ValidatePasswordResponse },
});

export const getUsers = defineRoute({
  operationId: "getUsers",
  method: "GET",
  path: "/users",
  tag,
  summary: "List users",
  auth: "user",
  query: z.object({ q: z.string().optional(), ...pagination }),
  responses: { 200: GetUsersResponse },
});

export const createUser = defineRoute({
  operationId: "createUser",
  method: "POST",
  path: "/users",
  tag,
  summary: "Create a user",
  auth: "user",
  body: CreateUserRequest,
  responses: { 201: User },
  errors: { 404: "An organization does not exist.", 409: "The username or the e-mail is taken." },
});

export const getSiteRoles = defineRoute({
  operationId: "getSiteRoles",
  method: "GET",
  path: "/users/roles",
  tag,
  summary: "List site roles and whether the caller may assign them",
  auth: "user",
  responses: { 200: z.array(AssignableRole) },
});

export const getUser = defineRoute({
  operationId: "getUser",
  method: "GET",
  path: "/users/:user",
  tag,
  summary: "Get a user",
  auth: "user",
  responses: { 200: User },
});

export const deleteUser = defineRoute({
  operationId: "deleteUser",
  method: "DELETE",
  path: "/users/:user",
  tag,
  summary: "Delete a user",
  auth: "user",
  responses: { 200: Response },
  errors: { 403: "Nobody deletes their own account.", 417: "The user still owns workspaces." },
});

export const updateUserProfile = defineRoute({
  operationId: "updateUserProfile",
  method: "PUT",
  path: "/users/:user/profile",
  tag,
  summary: "Change username and real name",
  auth: "user",
  body: UpdateUserProfileRequest,
  responses: { 200: User },
  errors: { 409: "The username is taken." },
});

export const suspendUser = defineRoute({
  operationId: "suspendUser",
  method: "PUT",
  path: "/users/:user/status/suspend",
  tag,
  summary: "Suspend a user",
  auth: "user",
  responses: { 200: User },
});

export const activateUser = defineRoute({
  operationId: "activateUser",
  method: "PUT",
  path: "/users/:user/status/activate",
  tag,
  summary: "Activate a user",
  auth: "user",
  responses: { 200: User },
});

export const updateUserPassword = defineRoute({
  operationId: "updateUserPassword",
  method: "PUT",
  path: "/users/:user/password",
  tag,
  summary: "Change a password; all keys of the user are deleted",
  auth: "user",
  body: UpdateUserPasswordRequest,
  responses: { 204: null },
});

export const getUserRoles = defineRoute({
  operationId: "getUserRoles",
  method: "GET",
  path: "/users/:user/roles",
  tag,
  summary: "Get a user's roles",
  auth: "user",
  responses: { 200: UserRoles },
});

export const updateUserRoles = defineRoute({
  operationId: "updateUserRoles",
  method: "PUT",
  path: "/users/:user/roles",
  tag,
  summary: "Replace a user's site roles",
  auth: "user",
  body: UpdateRoles,
  responses: { 200: User },
});

export const getUserAppearance = defineRoute({
  operationId: "getUserAppearance",
  method: "GET",
  path: "/users/:user/appearance",
  tag,
  summary: "Get the look of the dashboard for a user",
  auth: "user",
  responses: { 200: UserAppearanceSettings },
});

export const updateUserAppearance = defineRoute({
  operationId: "updateUserAppearance",
  method: "PUT",
  path: "/users/:user/appearance",
  tag,
  summary: "Set the look of the dashboard for a user",
  auth: "user",
  body: z.object({ theme_preference: z.string().max(64), terminal_font: z.string().max(64) }),
  responses: { 200: UserAppearanceSettings },
});

export const getUserPreferences = defineRoute({
  operationId: "getUserPreferences",
  method: "GET",
  path: "/users/:user/preferences",
  tag,
  summary: "Get what the dashboard remembers for a user",
  auth: "user",
  responses: { 200: UserPreferenceSettings },
});

export const updateUserPreferences = defineRoute({
  operationId: "updateUserPreferences",
  method: "PUT",
  path: "/users/:user/preferences",
  tag,
  summary: "Set what the dashboard remembers for a user",
  auth: "user",
  body: UserPreferenceSettings,
  responses: { 200: UserPreferenceSettings },
});

export const requestOneTimePasscode = defineRoute({
  operationId: "requestOneTimePasscode",
  method: "POST",
  path: "/users/otp/request",
  tag,
  summary: "Ask for a passcode by e-mail, to choose a new password with",
  description: "This version sends no e-mail: every request is refused, and says who can set a password.",
  auth: "none",
  body: RequestOneTimePasscodeRequest,
  responses: { 204: null },
  errors: { 403: "The deployment cannot send passcodes." },
});

export const changePasswordWithOneTimePasscode = defineRoute({
  operationId: "changePasswordWithOneTimePasscode",
  method: "POST",
  path: "/users/otp/change-password",
  tag,
  summary: "Choose a new password with a passcode from an e-mail",
  description: "This version sends no passcodes, so that none is right.",
  auth: "none",
  body: ChangePasswordWithOneTimePasscodeRequest,
  responses: { 204: null },
});

export const getUserLoginType = defineRoute({
  operationId: "getUserLoginType",
  method: "GET",
  path: "/users/:user/login-type",
  tag,
  summary: "Get one's own login type",
  auth: "user",
  responses: { 200: z.object({ login_type: LoginType }) },
  errors: { 403: "One may ask only about oneself." },
});

export const getAutofillParameters = defineRoute({
  operationId: "getAutofillParameters",
  method: "GET",
  path: "/users/:user/autofill-parameters",
  tag,
  summary: "List the parameter values a user gave last for a template",
  auth: "user",
  query: z.object({ template_id: Uuid }),
  responses: { 200: z.array(UserParameter) },
});

export const getUserOrganizations = defineRoute({
  operationId: "getUserOrganizations",
  method: "GET",
  path: "/users/:user/organizations",
  tag,
  summary: "List a user's organizations",
  auth: "user",
  responses: { 200: z.array(Organization) },
});

export const getUserOrganization = defineRoute({
  operationId: "getUserOrganization",
  method: "GET",
  path: "/users/:user/organizations/:organizationname",
  tag,
  summary: "Get one of a user's organizations by name",
  auth: "user",
  responses: { 200: Organization },
});

export const getGitSSHKey = defineRoute({
  operationId: "getGitSSHKey",
  method: "GET",
  path: "/users/:user/gitsshkey",
  tag,
  summary: "Get the public key with which a user's workspaces reach Git over SSH",
  auth: "user",
  responses: { 200: GitSSHKey },
});

export const regenerateGitSSHKey = defineRoute({
  operationId: "regenerateGitSSHKey",
  method: "PUT",
  path: "/users/:user/gitsshkey",
  tag,
  summary: "Replace a user's Git SSH key by a new one",
  auth: "user",
  responses: { 200: GitSSHKey },
});
