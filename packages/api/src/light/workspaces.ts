// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../workspaces.ts";

export type * from "../workspaces.ts";
export const getWorkspaces = lightRoute<typeof full.getWorkspaces>(
  {"operationId":"getWorkspaces","method":"GET","path":"/workspaces","base":"/api/v2"},
);
export const createWorkspace = lightRoute<typeof full.createWorkspace>(
  {"operationId":"createWorkspace","method":"POST","path":"/users/:user/workspaces","base":"/api/v2"},
);
export const createOrganizationWorkspace = lightRoute<typeof full.createOrganizationWorkspace>(
  {"operationId":"createOrganizationWorkspace","method":"POST","path":"/organizations/:organization/members/:user/workspaces","base":"/api/v2"},
);
export const getWorkspaceByName = lightRoute<typeof full.getWorkspaceByName>(
  {"operationId":"getWorkspaceByName","method":"GET","path":"/users/:user/workspace/:workspacename","base":"/api/v2"},
);
export const getBuildByNumber = lightRoute<typeof full.getBuildByNumber>(
  {"operationId":"getBuildByNumber","method":"GET","path":"/users/:user/workspace/:workspacename/builds/:buildnumber","base":"/api/v2"},
);
export const getWorkspace = lightRoute<typeof full.getWorkspace>(
  {"operationId":"getWorkspace","method":"GET","path":"/workspaces/:workspace","base":"/api/v2"},
);
export const updateWorkspace = lightRoute<typeof full.updateWorkspace>(
  {"operationId":"updateWorkspace","method":"PATCH","path":"/workspaces/:workspace","base":"/api/v2"},
);
export const favoriteWorkspace = lightRoute<typeof full.favoriteWorkspace>(
  {"operationId":"favoriteWorkspace","method":"PUT","path":"/workspaces/:workspace/favorite","base":"/api/v2"},
);
export const unfavoriteWorkspace = lightRoute<typeof full.unfavoriteWorkspace>(
  {"operationId":"unfavoriteWorkspace","method":"DELETE","path":"/workspaces/:workspace/favorite","base":"/api/v2"},
);
export const updateAutomaticUpdates = lightRoute<typeof full.updateAutomaticUpdates>(
  {"operationId":"updateAutomaticUpdates","method":"PUT","path":"/workspaces/:workspace/autoupdates","base":"/api/v2"},
);
export const resolveAutostart = lightRoute<typeof full.resolveAutostart>(
  {"operationId":"resolveAutostart","method":"GET","path":"/workspaces/:workspace/resolve-autostart","base":"/api/v2"},
);
export const postWorkspaceUsage = lightRoute<typeof full.postWorkspaceUsage>(
  {"operationId":"postWorkspaceUsage","method":"POST","path":"/workspaces/:workspace/usage","base":"/api/v2"},
);
export const getWorkspaceTimings = lightRoute<typeof full.getWorkspaceTimings>(
  {"operationId":"getWorkspaceTimings","method":"GET","path":"/workspaces/:workspace/timings","base":"/api/v2"},
);
export const getWorkspaceBuilds = lightRoute<typeof full.getWorkspaceBuilds>(
  {"operationId":"getWorkspaceBuilds","method":"GET","path":"/workspaces/:workspace/builds","base":"/api/v2"},
);
export const createWorkspaceBuild = lightRoute<typeof full.createWorkspaceBuild>(
  {"operationId":"createWorkspaceBuild","method":"POST","path":"/workspaces/:workspace/builds","base":"/api/v2"},
);
export const watchWorkspace = lightRoute<typeof full.watchWorkspace>(
  {"operationId":"watchWorkspace","method":"GET","path":"/workspaces/:workspace/watch","base":"/api/v2","stream":"sse"},
);
export const watchWorkspaceWs = lightRoute<typeof full.watchWorkspaceWs>(
  {"operationId":"watchWorkspaceWs","method":"GET","path":"/workspaces/:workspace/watch-ws","base":"/api/v2","stream":"websocket"},
);
