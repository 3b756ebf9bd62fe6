// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../workspace-builds.ts";

export type * from "../workspace-builds.ts";
export const getBuild = lightRoute<typeof full.getBuild>(
  {"operationId":"getBuild","method":"GET","path":"/workspacebuilds/:workspacebuild","base":"/api/v2"},
);
export const cancelBuild = lightRoute<typeof full.cancelBuild>(
  {"operationId":"cancelBuild","method":"PATCH","path":"/workspacebuilds/:workspacebuild/cancel","base":"/api/v2"},
);
export const getBuildLogs = lightRoute<typeof full.getBuildLogs>(
  {"operationId":"getBuildLogs","method":"GET","path":"/workspacebuilds/:workspacebuild/logs","base":"/api/v2","stream":"websocket"},
);
export const getBuildParameters = lightRoute<typeof full.getBuildParameters>(
  {"operationId":"getBuildParameters","method":"GET","path":"/workspacebuilds/:workspacebuild/parameters","base":"/api/v2"},
);
export const getBuildResources = lightRoute<typeof full.getBuildResources>(
  {"operationId":"getBuildResources","method":"GET","path":"/workspacebuilds/:workspacebuild/resources","base":"/api/v2"},
);
export const getBuildTimings = lightRoute<typeof full.getBuildTimings>(
  {"operationId":"getBuildTimings","method":"GET","path":"/workspacebuilds/:workspacebuild/timings","base":"/api/v2"},
);
export const getBuildState = lightRoute<typeof full.getBuildState>(
  {"operationId":"getBuildState","method":"GET","path":"/workspacebuilds/:workspacebuild/state","base":"/api/v2","stream":"bytes"},
);
export const getKeptBuildState = lightRoute<typeof full.getKeptBuildState>(
  {"operationId":"getKeptBuildState","method":"GET","path":"/workspacebuilds/:workspacebuild/kept-state","base":"/api/v2","stream":"bytes"},
);
export const updateBuildState = lightRoute<typeof full.updateBuildState>(
  {"operationId":"updateBuildState","method":"PUT","path":"/workspacebuilds/:workspacebuild/state","base":"/api/v2"},
);
