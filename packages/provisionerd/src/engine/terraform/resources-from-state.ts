import { type Attributes, blocks, isAttributes, text } from "./results/attributes.ts";
import { type ConvertedResources, convertResources } from "./results/convert-resources.ts";
import type { Instance } from "./results/instance.ts";
import { instanceAddress, labelOf } from "./results/resource-address.ts";
import { relationsFromDependencies } from "./results/state-relations.ts";

/** The resources of a workspace as `terraform.tfstate` (format 4) holds them after a build. */
export function resourcesFromState(state: unknown): ConvertedResources {
  if (!isAttributes(state) || state.version !== 4) {
    throw new Error("The state is not of format 4. Use Terraform 1.1 or later, or OpenTofu.");
  }
  const instances: Instance[] = [];
  const dependencies = new Map<string, Set<string>>();
  for (const resource of blocks(state, "resources")) {
    for (const item of blocks(resource, "instances")) {
      // A deposed object waits for its removal; what replaced it is listed besides.
      if (text(item, "deposed") !== "") continue;
      const instance = readInstance(resource, item);
      instances.push(instance);
      const known = dependencies.get(instance.label) ?? new Set();
      for (const label of Array.isArray(item.dependencies) ? item.dependencies : []) known.add(String(label));
      dependencies.set(instance.label, known);
    }
  }
  return convertResources(instances, relationsFromDependencies(dependencies));
}

function readInstance(resource: Attributes, item: Attributes): Instance {
  const [type, name, modulePath] = [text(resource, "type"), text(resource, "name"), text(resource, "module")];
  const mode = resource.mode === "data" ? "data" : "managed";
  const own = `${mode === "data" ? "data." : ""}${type}.${name}`;
  const full = modulePath === "" ? own : `${modulePath}.${own}`;
  const key =
    typeof item.index_key === "string" || typeof item.index_key === "number" ? item.index_key : null;
  const values = isAttributes(item.attributes) ? item.attributes : {};
  return { address: instanceAddress(full, key), label: labelOf(full), mode, type, name, key, values };
}
