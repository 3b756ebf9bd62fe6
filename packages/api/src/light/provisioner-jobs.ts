// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../provisioner-jobs.ts";

export type * from "../provisioner-jobs.ts";
export const getJobs = lightRoute<typeof full.getJobs>(
  {"operationId":"getProvisionerJobs","method":"GET","path":"/organizations/:organization/provisionerjobs","base":"/api/v2"},
);
export const getJob = lightRoute<typeof full.getJob>(
  {"operationId":"getProvisionerJob","method":"GET","path":"/organizations/:organization/provisionerjobs/:job","base":"/api/v2"},
);
