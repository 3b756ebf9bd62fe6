import * as apiKeys from "./api-keys.ts";
import * as audit from "./audit.ts";
import * as files from "./files.ts";
import * as general from "./general.ts";
import * as health from "./health.ts";
import * as members from "./organization-members.ts";
import * as organizations from "./organizations.ts";
import * as daemons from "./provisioner-daemons.ts";
import * as jobs from "./provisioner-jobs.ts";
import * as provisionerKeys from "./provisioner-keys.ts";
import { type AnyRoute, isRoute } from "./route.ts";
import * as templateVersions from "./template-versions.ts";
import * as templates from "./templates.ts";
import * as users from "./users.ts";
import * as agents from "./workspace-agents.ts";
import * as builds from "./workspace-builds.ts";
import * as workspaces from "./workspaces.ts";

/** The files that define routes, by their names. */
export const groups = {
  general,
  users,
  "api-keys": apiKeys,
  audit,
  health,
  organizations,
  "organization-members": members,
  files,
  templates,
  "template-versions": templateVersions,
  workspaces,
  "workspace-builds": builds,
  "workspace-agents": agents,
  "provisioner-daemons": daemons,
  "provisioner-jobs": jobs,
  "provisioner-keys": provisionerKeys,
};

/** Every operation of the API: what the server must serve and the OpenAPI document lists. */
export const allRoutes: readonly AnyRoute[] = Object.values(groups).flatMap((group) =>
  Object.values(group).filter(isRoute),
);
