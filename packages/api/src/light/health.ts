// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../health.ts";

export type * from "../health.ts";
export const getHealth = lightRoute<typeof full.getHealth>(
  {"operationId":"getHealth","method":"GET","path":"/debug/health","base":"/api/v2"},
);
export const getHealthSettings = lightRoute<typeof full.getHealthSettings>(
  {"operationId":"getHealthSettings","method":"GET","path":"/debug/health/settings","base":"/api/v2"},
);
export const updateHealthSettings = lightRoute<typeof full.updateHealthSettings>(
  {"operationId":"updateHealthSettings","method":"PUT","path":"/debug/health/settings","base":"/api/v2"},
);
export const echoWebsocket = lightRoute<typeof full.echoWebsocket>(
  {"operationId":"echoWebsocket","method":"GET","path":"/debug/ws","base":"/api/v2","stream":"websocket"},
);
