// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../template-versions.ts";

export type * from "../template-versions.ts";
export const createTemplateVersion = lightRoute<typeof full.createTemplateVersion>(
  {"operationId":"createTemplateVersion","method":"POST","path":"/organizations/:organization/templateversions","base":"/api/v2"},
);
export const getTemplateVersions = lightRoute<typeof full.getTemplateVersions>(
  {"operationId":"getTemplateVersions","method":"GET","path":"/templates/:template/versions","base":"/api/v2"},
);
export const updateActiveTemplateVersion = lightRoute<typeof full.updateActiveTemplateVersion>(
  {"operationId":"updateActiveTemplateVersion","method":"PATCH","path":"/templates/:template/versions","base":"/api/v2"},
);
export const archiveTemplateVersions = lightRoute<typeof full.archiveTemplateVersions>(
  {"operationId":"archiveTemplateVersions","method":"POST","path":"/templates/:template/versions/archive","base":"/api/v2"},
);
export const getTemplateVersionByName = lightRoute<typeof full.getTemplateVersionByName>(
  {"operationId":"getTemplateVersionByName","method":"GET","path":"/templates/:template/versions/:templateversionname","base":"/api/v2"},
);
export const getOrganizationTemplateVersionByName = lightRoute<typeof full.getOrganizationTemplateVersionByName>(
  {"operationId":"getOrganizationTemplateVersionByName","method":"GET","path":"/organizations/:organization/templates/:templatename/versions/:templateversionname","base":"/api/v2"},
);
export const getPreviousTemplateVersion = lightRoute<typeof full.getPreviousTemplateVersion>(
  {"operationId":"getPreviousTemplateVersion","method":"GET","path":"/organizations/:organization/templates/:templatename/versions/:templateversionname/previous","base":"/api/v2"},
);
export const getTemplateVersion = lightRoute<typeof full.getTemplateVersion>(
  {"operationId":"getTemplateVersion","method":"GET","path":"/templateversions/:templateversion","base":"/api/v2"},
);
export const updateTemplateVersion = lightRoute<typeof full.updateTemplateVersion>(
  {"operationId":"updateTemplateVersion","method":"PATCH","path":"/templateversions/:templateversion","base":"/api/v2"},
);
export const cancelTemplateVersion = lightRoute<typeof full.cancelTemplateVersion>(
  {"operationId":"cancelTemplateVersion","method":"PATCH","path":"/templateversions/:templateversion/cancel","base":"/api/v2"},
);
export const archiveTemplateVersion = lightRoute<typeof full.archiveTemplateVersion>(
  {"operationId":"archiveTemplateVersion","method":"POST","path":"/templateversions/:templateversion/archive","base":"/api/v2"},
);
export const unarchiveTemplateVersion = lightRoute<typeof full.unarchiveTemplateVersion>(
  {"operationId":"unarchiveTemplateVersion","method":"POST","path":"/templateversions/:templateversion/unarchive","base":"/api/v2"},
);
export const getRichParameters = lightRoute<typeof full.getRichParameters>(
  {"operationId":"getTemplateVersionRichParameters","method":"GET","path":"/templateversions/:templateversion/rich-parameters","base":"/api/v2"},
);
export const getVariables = lightRoute<typeof full.getVariables>(
  {"operationId":"getTemplateVersionVariables","method":"GET","path":"/templateversions/:templateversion/variables","base":"/api/v2"},
);
export const getPresets = lightRoute<typeof full.getPresets>(
  {"operationId":"getTemplateVersionPresets","method":"GET","path":"/templateversions/:templateversion/presets","base":"/api/v2"},
);
export const getVersionResources = lightRoute<typeof full.getVersionResources>(
  {"operationId":"getTemplateVersionResources","method":"GET","path":"/templateversions/:templateversion/resources","base":"/api/v2"},
);
export const getVersionExternalAuth = lightRoute<typeof full.getVersionExternalAuth>(
  {"operationId":"getTemplateVersionExternalAuth","method":"GET","path":"/templateversions/:templateversion/external-auth","base":"/api/v2"},
);
export const getVersionLogs = lightRoute<typeof full.getVersionLogs>(
  {"operationId":"getTemplateVersionLogs","method":"GET","path":"/templateversions/:templateversion/logs","base":"/api/v2","stream":"websocket"},
);
export const getLegacySchema = lightRoute<typeof full.getLegacySchema>(
  {"operationId":"getTemplateVersionSchema","method":"GET","path":"/templateversions/:templateversion/schema","base":"/api/v2"},
);
export const getLegacyParameters = lightRoute<typeof full.getLegacyParameters>(
  {"operationId":"getTemplateVersionParameters","method":"GET","path":"/templateversions/:templateversion/parameters","base":"/api/v2"},
);
export const watchDynamicParameters = lightRoute<typeof full.watchDynamicParameters>(
  {"operationId":"watchDynamicParameters","method":"GET","path":"/templateversions/:templateversion/dynamic-parameters","base":"/api/v2","stream":"websocket"},
);
export const evaluateDynamicParameters = lightRoute<typeof full.evaluateDynamicParameters>(
  {"operationId":"evaluateDynamicParameters","method":"POST","path":"/templateversions/:templateversion/dynamic-parameters/evaluate","base":"/api/v2"},
);
export const createDryRun = lightRoute<typeof full.createDryRun>(
  {"operationId":"createTemplateVersionDryRun","method":"POST","path":"/templateversions/:templateversion/dry-run","base":"/api/v2"},
);
export const getDryRun = lightRoute<typeof full.getDryRun>(
  {"operationId":"getTemplateVersionDryRun","method":"GET","path":"/templateversions/:templateversion/dry-run/:job","base":"/api/v2"},
);
export const getDryRunResources = lightRoute<typeof full.getDryRunResources>(
  {"operationId":"getTemplateVersionDryRunResources","method":"GET","path":"/templateversions/:templateversion/dry-run/:job/resources","base":"/api/v2"},
);
export const getDryRunLogs = lightRoute<typeof full.getDryRunLogs>(
  {"operationId":"getTemplateVersionDryRunLogs","method":"GET","path":"/templateversions/:templateversion/dry-run/:job/logs","base":"/api/v2","stream":"websocket"},
);
export const getDryRunMatchedProvisioners = lightRoute<typeof full.getDryRunMatchedProvisioners>(
  {"operationId":"getTemplateVersionDryRunMatchedProvisioners","method":"GET","path":"/templateversions/:templateversion/dry-run/:job/matched-provisioners","base":"/api/v2"},
);
export const cancelDryRun = lightRoute<typeof full.cancelDryRun>(
  {"operationId":"cancelTemplateVersionDryRun","method":"PATCH","path":"/templateversions/:templateversion/dry-run/:job/cancel","base":"/api/v2"},
);
