import type { StateSnapshot } from "../engine.ts";
import { addressesOf } from "./state-instances.ts";

/** What Terraform says of one resource's operation, under its own words for actions. */
export type Operation =
  | { phase: "start" | "complete" | "errored"; action: string; address: string }
  /** A `provisioner` block of the resource begins, while it is made or destroyed. */
  | { phase: "provision"; address: string };

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
  /** Of those that a state may hold already, the ones whose `provisioner` blocks have not ended. */
  unprovisioned(): string[];
};

export type CreationsOptions = {
  /** Called when another creation has begun. */
  onBegin?: () => void;
  /** Called when `unprovisioned` gives another answer. */
  onProvision?: () => void;
};

/** Terraform makes ten at a time. What was made since the last state comes on top; a list that goes on is cut. */
const MAX_CREATIONS = 200;

export function createCreations({ onBegin, onProvision }: CreationsOptions = {}): Creations {
  // By address: whether its creation has ended.
  const open = new Map<string, "begun" | "made" | "failed">();
  const provisioning = new Set<string>();
  return {
    observe(operation) {
      const { phase, address } = operation;
      if (phase === "provision") {
        // One that is destroyed runs its blocks, too.
        if (open.get(address) !== "begun" || provisioning.has(address)) return;
        provisioning.add(address);
        onProvision?.();
        return;
      }
      if (operation.action !== "create") return;
      if (phase === "start") {
        if (open.size >= MAX_CREATIONS) return;
        open.set(address, "begun");
        onBegin?.();
        return;
      }
      if (open.has(address)) open.set(address, phase === "complete" ? "made" : "failed");
      if (provisioning.delete(address)) onProvision?.();
    },
    saved(snapshot) {
      if (open.size === 0) return;
      const held = addressesOf(snapshot.bytes);
      for (const [address, phase] of open) {
        // One that is being replaced may be in the state as it was before.
        if (phase === "failed" || (phase === "made" && held.has(address))) open.delete(address);
      }
    },
    written() {
      for (const [address, phase] of open) if (phase === "failed") open.delete(address);
    },
    unsaved: () => [...open.keys()],
    unprovisioned: () => [...provisioning],
  };
}
