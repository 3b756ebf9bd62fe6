export { externalAuthFromPlan } from "./external-auth-from-plan.ts";
export { parametersFromPlan } from "./parameters-from-plan.ts";
export { presetsFromPlan } from "./presets-from-plan.ts";
export { resourcesFromPlan } from "./resources-from-plan.ts";
export { resourcesFromState } from "./resources-from-state.ts";
export { createTerraformLogParser } from "./terraform-log.ts";
