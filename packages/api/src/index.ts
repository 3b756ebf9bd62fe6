export { allRoutes } from "./all-routes.ts";
export * as apiKeys from "./api-keys.ts";
export * as audit from "./audit.ts";
export { type CallInput, type Client, type ClientOptions, createClient, type Upload } from "./client.ts";
export { ApiConnectionError, ApiResponseError } from "./client-errors.ts";
export * as common from "./common.ts";
export { Response, type ValidationError } from "./common.ts";
export { maxAgentLogLines, muxSubprotocol, nilUuid, zeroTime } from "./constants.ts";
export { formatDuration, parseDuration } from "./duration.ts";
export { type ErrorCode, errorStatus } from "./error-codes.ts";
export * as files from "./files.ts";
export * as general from "./general.ts";
export * as health from "./health.ts";
export { type RandomUint32, randomName } from "./names.ts";
export { buildOpenApi, type OpenApiInfo } from "./openapi.ts";
export * as members from "./organization-members.ts";
export * as organizations from "./organizations.ts";
export { type ParsedRequest, parseRequest, type RawRequest } from "./parse-request.ts";
export * as daemons from "./provisioner-daemons.ts";
export * as jobs from "./provisioner-jobs.ts";
export * as provisionerKeys from "./provisioner-keys.ts";
export { filterValues, type ParsedSearch, parseSearch } from "./q.ts";
export * as roles from "./roles.ts";
export {
  type AnyRoute,
  type Auth,
  type BodyInputOf,
  type BodyOf,
  defineRoute,
  isRoute,
  type Method,
  type ParamsOf,
  paramNames,
  type QueryOf,
  type ResponseOf,
  type Responses,
  type Route,
  type Status,
  type StreamKind,
  type SuccessOf,
} from "./route.ts";
export { routePath } from "./route-path.ts";
export type { ServerSentEvent } from "./server-sent-events.ts";
export * as parameters from "./template-parameters.ts";
export * as templateVersions from "./template-versions.ts";
export * as templates from "./templates.ts";
export * as users from "./users.ts";
export { describeIssue, validationsFromZod } from "./validations.ts";
export * as agents from "./workspace-agents.ts";
export * as builds from "./workspace-builds.ts";
export { WorkspaceTransition } from "./workspace-transition.ts";
export * as workspaces from "./workspaces.ts";
