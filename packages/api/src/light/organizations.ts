// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../organizations.ts";

export type * from "../organizations.ts";
export const getOrganizations = lightRoute<typeof full.getOrganizations>(
  {"operationId":"getOrganizations","method":"GET","path":"/organizations","base":"/api/v2"},
);
export const getOrganization = lightRoute<typeof full.getOrganization>(
  {"operationId":"getOrganization","method":"GET","path":"/organizations/:organization","base":"/api/v2"},
);
export const createOrganization = lightRoute<typeof full.createOrganization>(
  {"operationId":"createOrganization","method":"POST","path":"/organizations","base":"/api/v2"},
);
export const updateOrganization = lightRoute<typeof full.updateOrganization>(
  {"operationId":"updateOrganization","method":"PATCH","path":"/organizations/:organization","base":"/api/v2"},
);
export const deleteOrganization = lightRoute<typeof full.deleteOrganization>(
  {"operationId":"deleteOrganization","method":"DELETE","path":"/organizations/:organization","base":"/api/v2"},
);
