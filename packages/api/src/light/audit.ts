// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../audit.ts";

export type * from "../audit.ts";
export const listAuditLogs = lightRoute<typeof full.listAuditLogs>(
  {"operationId":"listAuditLogs","method":"GET","path":"/audit","base":"/api/v2"},
);
