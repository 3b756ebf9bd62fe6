import type { StateSnapshot } from "../engine.ts";
import { type Attributes, blocks, isAttributes, text } from "./results/attributes.ts";
import { instanceAddress } from "./results/resource-address.ts";

/** What Terraform says of one resource's operation, under its own words for actions. */
export type Operation = { phase: "start" | "complete" | "errored"; action: string; address: string };

/**
 * The resources whose creation has begun and that no state holds. When Terraform or its daemon is killed, these are the
 * ones that may exist without anybody knowing of them.
 */
export type Creations = {
  observe(operation: Operation): void;
  /** A state was read: forgets what it holds, and what had failed before. */
  saved(snapshot: StateSnapshot): void;
  /** Terraform has ended and wrote its state: what failed and is not in it does not exist. */
  written(): void;
  unsaved(): string[];
};

/** Terraform makes ten at a time. What was made since the last state comes on top; a list that goes on is cut. */
const MAX_CREATIONS = 200;

/** `onBegin` is called when another creation has begun. */
export function createCreations(onBegin: () => void = () => {}): Creations {
  // By address: whether its creation has ended.
  const open = new Map<string, "begun" | "made" | "failed">();
  return {
    observe({ phase, action, address }) {
      if (action !== "create") return;
      if (phase !== "start") {
        if (open.has(address)) open.set(address, phase === "complete" ? "made" : "failed");
      } else if (open.size < MAX_CREATIONS) {
        open.set(address, "begun");
        onBegin();
      }
    },
    saved(snapshot) {
      if (open.size === 0) return;
      const held = addressesOf(snapshot);
      for (const [address, phase] of open) {
        // One that is being replaced may be in the state as it was before.
        if (phase === "failed" || (phase === "made" && held.has(address))) open.delete(address);
      }
    },
    written() {
      for (const [address, phase] of open) if (phase === "failed") open.delete(address);
    },
    unsaved: () => [...open.keys()],
  };
}

function addressesOf({ bytes }: StateSnapshot): Set<string> {
  const state: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  const held = new Set<string>();
  if (!isAttributes(state)) return held;
  for (const resource of blocks(state, "resources")) {
    for (const instance of blocks(resource, "instances")) {
      held.add(instanceAddress(labelOf(resource), instance.index_key));
    }
  }
  return held;
}

function labelOf(resource: Attributes): string {
  const module = text(resource, "module");
  return `${module === "" ? "" : `${module}.`}${text(resource, "type")}.${text(resource, "name")}`;
}
