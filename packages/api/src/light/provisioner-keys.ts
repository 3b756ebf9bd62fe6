// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../provisioner-keys.ts";

export type * from "../provisioner-keys.ts";
export const createProvisionerKey = lightRoute<typeof full.createProvisionerKey>(
  {"operationId":"createProvisionerKey","method":"POST","path":"/organizations/:organization/provisionerkeys","base":"/api/v2"},
);
export const getProvisionerKeys = lightRoute<typeof full.getProvisionerKeys>(
  {"operationId":"getProvisionerKeys","method":"GET","path":"/organizations/:organization/provisionerkeys","base":"/api/v2"},
);
export const getProvisionerKeyDaemons = lightRoute<typeof full.getProvisionerKeyDaemons>(
  {"operationId":"getProvisionerKeyDaemons","method":"GET","path":"/organizations/:organization/provisionerkeys/daemons","base":"/api/v2"},
);
export const rotateProvisionerKey = lightRoute<typeof full.rotateProvisionerKey>(
  {"operationId":"rotateProvisionerKey","method":"POST","path":"/organizations/:organization/provisionerkeys/:provisionerkey/rotate","base":"/api/v2"},
);
export const deleteProvisionerKey = lightRoute<typeof full.deleteProvisionerKey>(
  {"operationId":"deleteProvisionerKey","method":"DELETE","path":"/organizations/:organization/provisionerkeys/:provisionerkey","base":"/api/v2"},
);
export const getProvisionerKey = lightRoute<typeof full.getProvisionerKey>(
  {"operationId":"getProvisionerKey","method":"GET","path":"/provisionerkeys/:provisionerkey","base":"/api/v2"},
);
