// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../templates.ts";

export type * from "../templates.ts";
export const getTemplates = lightRoute<typeof full.getTemplates>(
  {"operationId":"getTemplates","method":"GET","path":"/templates","base":"/api/v2"},
);
export const getOrganizationTemplates = lightRoute<typeof full.getOrganizationTemplates>(
  {"operationId":"getOrganizationTemplates","method":"GET","path":"/organizations/:organization/templates","base":"/api/v2"},
);
export const createTemplate = lightRoute<typeof full.createTemplate>(
  {"operationId":"createTemplate","method":"POST","path":"/organizations/:organization/templates","base":"/api/v2"},
);
export const getTemplateByName = lightRoute<typeof full.getTemplateByName>(
  {"operationId":"getTemplateByName","method":"GET","path":"/organizations/:organization/templates/:templatename","base":"/api/v2"},
);
export const getTemplate = lightRoute<typeof full.getTemplate>(
  {"operationId":"getTemplate","method":"GET","path":"/templates/:template","base":"/api/v2"},
);
export const updateTemplate = lightRoute<typeof full.updateTemplate>(
  {"operationId":"updateTemplate","method":"PATCH","path":"/templates/:template","base":"/api/v2"},
);
export const deleteTemplate = lightRoute<typeof full.deleteTemplate>(
  {"operationId":"deleteTemplate","method":"DELETE","path":"/templates/:template","base":"/api/v2"},
);
export const getExamples = lightRoute<typeof full.getExamples>(
  {"operationId":"getTemplateExamples","method":"GET","path":"/templates/examples","base":"/api/v2"},
);
export const getOrganizationExamples = lightRoute<typeof full.getOrganizationExamples>(
  {"operationId":"getOrganizationTemplateExamples","method":"GET","path":"/organizations/:organization/templates/examples","base":"/api/v2"},
);
