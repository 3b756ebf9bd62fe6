import * as apiKeys from "./api-keys.ts";
import * as files from "./files.ts";
import * as general from "./general.ts";
import * as members from "./organization-members.ts";
import * as organizations from "./organizations.ts";
import * as daemons from "./provisioner-daemons.ts";
import * as jobs from "./provisioner-jobs.ts";
import { type AnyRoute, isRoute } from "./route.ts";
import * as templateVersions from "./template-versions.ts";
import * as templates from "./templates.ts";
import * as users from "./users.ts";
import * as agents from "./workspace-agents.ts";
import * as builds from "./workspace-builds.ts";
import * as workspaces from "./workspaces.ts";

/** Every operation of the API: what the server must serve and the OpenAPI document lists. */
export const allRoutes: readonly AnyRoute[] = [
  general,
  users,
  apiKeys,
  organizations,
  members,
  files,
  templates,
  templateVersions,
  workspaces,
  builds,
  agents,
  daemons,
  jobs,
].flatMap((group) => Object.values(group).filter(isRoute));
