import { z } from "zod";
import { emptyOr, Int64, list, optional, QueryBool, Timestamp, TokenName, Uuid } from "./common.ts";
import { named } from "./components.ts";
import { defineRoute } from "./route.ts";
import { LoginType } from "./users.ts";

/** Composite scopes that a caller may request, with Coder's two aliases (rest-api.md 2). */
export const compositeScopes = [
  "all",
  "application_connect",
  "coder:all",
  "coder:application_connect",
  "coder:workspaces.create",
  "coder:workspaces.operate",
  "coder:workspaces.delete",
  "coder:workspaces.access",
  "coder:templates.build",
  "coder:templates.author",
  "coder:apikeys.manage_self",
] as const;

const crud = ["read", "create", "update", "delete"] as const;

/** Low-level scopes that a caller may request: `<resource>:<action>`. */
export const lowLevelScopes = {
  workspace: [...crud, "ssh", "start", "stop", "application_connect", "*"],
  template: [...crud, "use", "*"],
  api_key: [...crud, "*"],
  chat_model_config: ["read", "share"],
  file: ["read", "create", "*"],
  inbox_notification: ["read", "update"],
  user: ["read", "read_personal", "update_personal", "*"],
  user_secret: [...crud, "*"],
  user_skill: [...crud, "*"],
  organization_skill: [...crud, "share", "*"],
  organization: ["read", "update", "delete", "*"],
} as const;

/** All scopes that may be requested, as `GET /auth/scopes` lists them. */
export const requestableScopes: readonly string[] = [
  ...compositeScopes,
  ...Object.entries(lowLevelScopes).flatMap(([type, actions]) =>
    actions.map((action) => `${type}:${action}`),
  ),
];

export const AllowListEntry = z.string().regex(/^(?:\*|[a-z_]+):(?:\*|[0-9a-fA-F-]{36})$/, {
  error: 'must have the form "<resource type>:<UUID>", with * for any, such as "workspace:*".',
});

export const APIKey = named(
  "APIKey",
  z.object({
    id: z.string(),
    user_id: Uuid,
    last_used: Timestamp,
    expires_at: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
    login_type: LoginType,
    scope: z.string(),
    scopes: z.array(z.string()),
    token_name: z.string(),
    lifetime_seconds: z.number().int(),
    allow_list: z.array(z.string()),
  }),
);
export type APIKey = z.infer<typeof APIKey>;

export const APIKeyWithOwner = named("APIKeyWithOwner", APIKey.extend({ username: z.string() }));
export type APIKeyWithOwner = z.infer<typeof APIKeyWithOwner>;

export const CreateTokenRequest = named(
  "CreateTokenRequest",
  z.object({
    // Nanoseconds; absent or 0 means the server's default.
    lifetime: optional(Int64),
    scope: optional(z.string().max(64)),
    scopes: list(z.string().max(64)),
    token_name: optional(emptyOr(TokenName)),
    allow_list: list(AllowListEntry),
  }),
);
export type CreateTokenRequest = z.infer<typeof CreateTokenRequest>;

export const GenerateAPIKeyResponse = named("GenerateAPIKeyResponse", z.object({ key: z.string() }));
export type GenerateAPIKeyResponse = z.infer<typeof GenerateAPIKeyResponse>;

export const TokenConfig = named("TokenConfig", z.object({ max_token_lifetime: Int64 }));

export const ExternalAPIKeyScopes = named(
  "ExternalAPIKeyScopes",
  z.object({ external: z.array(z.string()) }),
);

const tag = "API keys";

export const getScopes = defineRoute({
  operationId: "getScopes",
  method: "GET",
  path: "/auth/scopes",
  tag,
  summary: "List the scopes that a token may be given",
  auth: "none",
  responses: { 200: ExternalAPIKeyScopes },
});

export const createSessionKey = defineRoute({
  operationId: "createSessionKey",
  method: "POST",
  path: "/users/:user/keys",
  tag,
  summary: "Create a key like that of a login, for a command line",
  auth: "user",
  responses: { 201: GenerateAPIKeyResponse },
});

export const createToken = defineRoute({
  operationId: "createToken",
  method: "POST",
  path: "/users/:user/keys/tokens",
  tag,
  summary: "Create a token",
  description: "`lifetime` is in nanoseconds. The key is shown once; only a hash of it is stored.",
  auth: "user",
  body: CreateTokenRequest,
  responses: { 201: GenerateAPIKeyResponse },
  errors: { 409: "The user has a token of this name." },
});

export const getTokens = defineRoute({
  operationId: "getTokens",
  method: "GET",
  path: "/users/:user/keys/tokens",
  tag,
  summary: "List tokens",
  auth: "user",
  query: z.object({ include_all: QueryBool.optional(), include_expired: QueryBool.optional() }),
  responses: { 200: z.array(APIKeyWithOwner) },
});

export const getTokenConfig = defineRoute({
  operationId: "getTokenConfig",
  method: "GET",
  path: "/users/:user/keys/tokens/tokenconfig",
  tag,
  summary: "Get the longest lifetime a user's tokens may have",
  auth: "user",
  responses: { 200: TokenConfig },
});

export const getTokenByName = defineRoute({
  operationId: "getTokenByName",
  method: "GET",
  path: "/users/:user/keys/tokens/:keyname",
  tag,
  summary: "Get a token by name",
  auth: "user",
  responses: { 200: APIKey },
});

export const getKey = defineRoute({
  operationId: "getKey",
  method: "GET",
  path: "/users/:user/keys/:keyid",
  tag,
  summary: "Get a key by id",
  auth: "user",
  responses: { 200: APIKey },
});

export const deleteKey = defineRoute({
  operationId: "deleteKey",
  method: "DELETE",
  path: "/users/:user/keys/:keyid",
  tag,
  summary: "Delete a key",
  auth: "user",
  responses: { 204: null },
});

export const expireKey = defineRoute({
  operationId: "expireKey",
  method: "PUT",
  path: "/users/:user/keys/:keyid/expire",
  tag,
  summary: "Expire a key now; its record stays",
  auth: "user",
  responses: { 204: null },
});
