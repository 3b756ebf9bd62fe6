import type { WorkspaceBuildRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { type InsertOptions, insertBuild } from "./insert-build.ts";
import { type PlanInput, planBuild } from "./plan-build.ts";

/** Plans a build of a stored workspace and puts it into the queue. */
export async function createBuild(
  deps: Deps,
  input: PlanInput,
  options: InsertOptions = {},
): Promise<WorkspaceBuildRow> {
  const plan = await planBuild(deps, input);
  return deps.db.transaction().execute((tx) => insertBuild(tx, deps, plan, options));
}
