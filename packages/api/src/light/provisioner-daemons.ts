// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../provisioner-daemons.ts";

export type * from "../provisioner-daemons.ts";
export const getDaemons = lightRoute<typeof full.getDaemons>(
  {"operationId":"getProvisionerDaemons","method":"GET","path":"/organizations/:organization/provisionerdaemons","base":"/api/v2"},
);
export const serveDaemon = lightRoute<typeof full.serveDaemon>(
  {"operationId":"serveProvisionerDaemon","method":"GET","path":"/organizations/:organization/provisionerdaemons/serve","base":"/api/v2","stream":"websocket"},
);
