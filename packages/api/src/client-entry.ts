/**
 * `@slipway/api/client`: the same names as `@slipway/api` as far as clients need them, without loading a
 * single schema. Types are complete; the routes serve `createClient` only.
 */
export { type CallInput, type Client, type ClientOptions, createClient, type Upload } from "./client.ts";
export { ApiConnectionError, ApiResponseError } from "./client-errors.ts";
export type { Response, ValidationError } from "./common.ts";
export { maxAgentLogLines, muxSubprotocol, nilUuid, zeroTime } from "./constants.ts";
export { formatDuration, parseDuration } from "./duration.ts";
export * as apiKeys from "./light/api-keys.ts";
export * as audit from "./light/audit.ts";
export * as files from "./light/files.ts";
export * as general from "./light/general.ts";
export * as health from "./light/health.ts";
export * as members from "./light/organization-members.ts";
export * as organizations from "./light/organizations.ts";
export * as daemons from "./light/provisioner-daemons.ts";
export * as jobs from "./light/provisioner-jobs.ts";
export * as provisionerKeys from "./light/provisioner-keys.ts";
export * as templateVersions from "./light/template-versions.ts";
export * as templates from "./light/templates.ts";
export * as users from "./light/users.ts";
export * as agents from "./light/workspace-agents.ts";
export * as builds from "./light/workspace-builds.ts";
export * as workspaces from "./light/workspaces.ts";
export { nameProblem, nameRule, usernameRule } from "./name-rules.ts";
export { type RandomUint32, randomName } from "./names.ts";
export { filterValues, type ParsedSearch, parseSearch } from "./q.ts";
export type * as roles from "./roles.ts";
export type { AnyRoute, BodyInputOf, BodyOf, ParamsOf, QueryOf, ResponseOf, SuccessOf } from "./route.ts";
export { routePath } from "./route-path.ts";
export type { ServerSentEvent } from "./server-sent-events.ts";
export type * as parameters from "./template-parameters.ts";
export type { WorkspaceTransition } from "./workspace-transition.ts";
