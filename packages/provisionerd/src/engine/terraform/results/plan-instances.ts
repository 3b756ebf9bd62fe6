import { type Attributes, blocks, isAttributes, text } from "./attributes.ts";
import type { Instance } from "./instance.ts";
import { labelOf } from "./resource-address.ts";

/**
 * All that a plan (`terraform show -json`) says will be there: planned values, with the data sources that
 * were already read while planning.
 */
export function planInstances(plan: unknown): Instance[] {
  if (!isAttributes(plan)) throw new Error("Terraform's plan is not readable: no JSON object.");
  const found = new Map<string, Instance>();
  const prior = isAttributes(plan.prior_state) ? plan.prior_state.values : undefined;
  collect(prior, (instance) => instance.mode === "data" && found.set(instance.address, instance));
  collect(plan.planned_values, (instance) => found.set(instance.address, instance));
  return [...found.values()];
}

function collect(values: unknown, add: (instance: Instance) => void): void {
  const open = isAttributes(values) && isAttributes(values.root_module) ? [values.root_module] : [];
  for (let module = open.pop(); module !== undefined; module = open.pop()) {
    for (const resource of blocks(module, "resources")) add(readInstance(resource));
    open.push(...blocks(module, "child_modules"));
  }
}

function readInstance(resource: Attributes): Instance {
  const address = text(resource, "address");
  const { index } = resource;
  return {
    address,
    label: labelOf(address),
    mode: resource.mode === "data" ? "data" : "managed",
    type: text(resource, "type"),
    name: text(resource, "name"),
    key: typeof index === "string" || typeof index === "number" ? index : null,
    values: isAttributes(resource.values) ? resource.values : {},
  };
}
