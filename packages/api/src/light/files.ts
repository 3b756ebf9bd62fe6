// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../files.ts";

export type * from "../files.ts";
export const uploadFile = lightRoute<typeof full.uploadFile>(
  {"operationId":"uploadFile","method":"POST","path":"/files","base":"/api/v2","upload":["application/x-tar","application/zip","application/x-zip-compressed"]},
);
export const downloadFile = lightRoute<typeof full.downloadFile>(
  {"operationId":"downloadFile","method":"GET","path":"/files/:file","base":"/api/v2","stream":"bytes"},
);
