import { create } from "@bufbuild/protobuf";
import { type ExternalAuthProvider, ExternalAuthProviderSchema } from "@slipway/proto/provisioner";
import { flag, text } from "./results/attributes.ts";
import { planInstances } from "./results/plan-instances.ts";

/** The external accounts that a template uses, each once, by id; one use that is not optional makes it required. */
export function externalAuthFromPlan(plan: unknown): ExternalAuthProvider[] {
  const providers = new Map<string, boolean>();
  for (const { mode, type, values } of planInstances(plan)) {
    if (mode !== "data" || type !== "coder_external_auth") continue;
    const id = text(values, "id");
    providers.set(id, flag(values, "optional") && (providers.get(id) ?? true));
  }
  const sorted = [...providers].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([id, optional]) => create(ExternalAuthProviderSchema, { id, optional }));
}
