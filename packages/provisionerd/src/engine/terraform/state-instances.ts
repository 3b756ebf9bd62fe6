import type { StateSnapshot } from "../engine.ts";
import { type Attributes, blocks, isAttributes, text } from "./results/attributes.ts";
import { instanceAddress } from "./results/resource-address.ts";

/** A state file's content; empty for what is none. */
export function parseState(bytes: Uint8Array, revive?: typeof keepNumber): Attributes {
  const state: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"), revive);
  return isAttributes(state) ? state : {};
}

/** Everything that a state holds, by its address. The instances are the state's own: to change one changes it. */
export function instancesOf(state: Attributes): { address: string; instance: Record<string, unknown> }[] {
  return blocks(state, "resources").flatMap((resource) =>
    blocks(resource, "instances").map((instance) => ({
      address: instanceAddress(labelOf(resource), instance.index_key),
      instance,
    })),
  );
}

/** The addresses of what a state holds; of none before there was a state. */
export function addressesOf(bytes: Uint8Array): Set<string> {
  if (bytes.byteLength === 0) return new Set();
  return new Set(instancesOf(parseState(bytes)).map(({ address }) => address));
}

/**
 * The snapshot with these instances tainted, so that the next build makes them anew. Terraform stores a resource before
 * it runs its `provisioner` blocks, and taints it only when one of them fails: were it killed in between, what is half
 * done would pass for whole.
 *
 * Who says that they are not whole has read Terraform's log, and that may be behind the state. So one on which something
 * else was built since is left as it is: Terraform makes that only when the blocks have ended.
 *
 * @param heldBefore addresses in the state with which the job began; null where that is not known
 */
export function taint(
  snapshot: StateSnapshot,
  addresses: readonly string[],
  heldBefore: ReadonlySet<string> | null,
): StateSnapshot {
  if (addresses.length === 0) return snapshot;
  const wanted = new Set(addresses);
  const state = parseState(snapshot.bytes, keepNumber);
  const instances = instancesOf(state);
  const builtOn = new Set(
    instances.flatMap(({ address, instance }) =>
      heldBefore === null || heldBefore.has(address) ? [] : dependenciesOf(instance),
    ),
  );
  const found = instances.filter(
    // A deposed one is what a replacement leaves behind.
    ({ address, instance }) =>
      wanted.has(address) && instance.deposed === undefined && !builtOn.has(withoutKeys(address)),
  );
  if (found.length === 0) return snapshot;
  for (const { instance } of found) instance.status = "tainted";
  return { ...snapshot, bytes: Buffer.from(JSON.stringify(state)) };
}

// TypeScript's library does not know the third parameter and `rawJSON` yet; Node has both.
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown };

/** Numbers that JavaScript's cannot hold stay as they are written. */
function keepNumber(_key: string, value: unknown, context?: { source: string }): unknown {
  if (typeof value !== "number" || context === undefined || String(value) === context.source) return value;
  return rawJSON(context.source);
}

/** Resources as they are written in the template: all instances of each. */
function dependenciesOf({ dependencies }: Record<string, unknown>): string[] {
  return Array.isArray(dependencies) ? dependencies.filter((each) => typeof each === "string") : [];
}

/** `module.m["x"].vm.a[0]` is `module.m.vm.a` in the template. */
const withoutKeys = (address: string) => address.replaceAll(/\[(?:\d+|"(?:[^"\\]|\\.)*")\]/g, "");

function labelOf(resource: Attributes): string {
  const module = text(resource, "module");
  return `${module === "" ? "" : `${module}.`}${text(resource, "type")}.${text(resource, "name")}`;
}
