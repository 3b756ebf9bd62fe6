import { resourcesFromPlan } from "./interpret.ts";
import type { TerraformRun } from "./terraform-run.ts";

export type PlanOptions = { stage: string; planFile: string; args: string[]; graph?: string };

/** `plan`, `show` and `graph`: what a run would make, with agents found through locals (engine.md §4). */
export async function planResources(terraform: TerraformRun, options: PlanOptions) {
  const { stage } = options;
  await terraform.command(stage, "plan", [
    "plan",
    "-no-color",
    "-input=false",
    "-json",
    ...options.args,
    `-out=${options.planFile}`,
  ]);
  const text = await terraform.read(["show", "-json", "-no-color", options.planFile]);
  const plan: unknown = JSON.parse(text);
  // The graph is that of the configuration: it is the same for a start and a stop.
  const graph = options.graph ?? (await terraform.read(["graph"]));
  const { resources, diagnostics } = resourcesFromPlan(plan, graph);
  await terraform.report(stage, diagnostics);
  return { plan, text, graph, resources };
}
