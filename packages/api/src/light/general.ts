// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../general.ts";

export type * from "../general.ts";
export const getRoot = lightRoute<typeof full.getRoot>(
  {"operationId":"getRoot","method":"GET","path":"/","base":"/api/v2"},
);
export const getOpenApi = lightRoute<typeof full.getOpenApi>(
  {"operationId":"getOpenApi","method":"GET","path":"/openapi.json","base":"/api/v2"},
);
export const getBuildInfo = lightRoute<typeof full.getBuildInfo>(
  {"operationId":"getBuildInfo","method":"GET","path":"/buildinfo","base":"/api/v2"},
);
export const getUpdateCheck = lightRoute<typeof full.getUpdateCheck>(
  {"operationId":"getUpdateCheck","method":"GET","path":"/updatecheck","base":"/api/v2"},
);
export const getAppearance = lightRoute<typeof full.getAppearance>(
  {"operationId":"getAppearance","method":"GET","path":"/appearance","base":"/api/v2"},
);
export const getExperiments = lightRoute<typeof full.getExperiments>(
  {"operationId":"getExperiments","method":"GET","path":"/experiments","base":"/api/v2"},
);
export const getAvailableExperiments = lightRoute<typeof full.getAvailableExperiments>(
  {"operationId":"getAvailableExperiments","method":"GET","path":"/experiments/available","base":"/api/v2"},
);
export const getEntitlements = lightRoute<typeof full.getEntitlements>(
  {"operationId":"getEntitlements","method":"GET","path":"/entitlements","base":"/api/v2"},
);
export const getRegions = lightRoute<typeof full.getRegions>(
  {"operationId":"getRegions","method":"GET","path":"/regions","base":"/api/v2"},
);
export const getAppHost = lightRoute<typeof full.getAppHost>(
  {"operationId":"getAppHost","method":"GET","path":"/applications/host","base":"/api/v2"},
);
export const reportCspViolation = lightRoute<typeof full.reportCspViolation>(
  {"operationId":"reportCspViolation","method":"POST","path":"/csp/reports","base":"/api/v2"},
);
export const checkAuthorization = lightRoute<typeof full.checkAuthorization>(
  {"operationId":"checkAuthorization","method":"POST","path":"/authcheck","base":"/api/v2"},
);
export const getDeploymentConfig = lightRoute<typeof full.getDeploymentConfig>(
  {"operationId":"getDeploymentConfig","method":"GET","path":"/deployment/config","base":"/api/v2"},
);
export const getDeploymentStats = lightRoute<typeof full.getDeploymentStats>(
  {"operationId":"getDeploymentStats","method":"GET","path":"/deployment/stats","base":"/api/v2"},
);
export const getSSHConfig = lightRoute<typeof full.getSSHConfig>(
  {"operationId":"getSSHConfig","method":"GET","path":"/deployment/ssh","base":"/api/v2"},
);
export const getInitScript = lightRoute<typeof full.getInitScript>(
  {"operationId":"getInitScript","method":"GET","path":"/init-script/:os/:arch","base":"/api/v2","stream":"bytes"},
);
export const healthz = lightRoute<typeof full.healthz>(
  {"operationId":"healthz","method":"GET","path":"/healthz","base":"","stream":"bytes"},
);
export const latencyCheck = lightRoute<typeof full.latencyCheck>(
  {"operationId":"latencyCheck","method":"GET","path":"/latency-check","base":"","stream":"bytes"},
);
