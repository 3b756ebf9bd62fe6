import { type ConvertedResources, convertResources } from "./results/convert-resources.ts";
import { relationsFromGraph } from "./results/graph-relations.ts";
import { planInstances } from "./results/plan-instances.ts";

/** The resources that a plan would make: `terraform show -json PLAN`, and the text of `terraform graph`. */
export function resourcesFromPlan(plan: unknown, graph: string): ConvertedResources {
  return convertResources(planInstances(plan), relationsFromGraph(graph));
}
