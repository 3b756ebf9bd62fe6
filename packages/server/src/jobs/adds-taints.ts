import { isDeepStrictEqual } from "node:util";

/** Whether `next` is the state `present` with more of it tainted, and is the same in everything else. */
export function addsTaints(next: Uint8Array, present: Uint8Array): boolean {
  const [after, before] = [splitTaints(next), splitTaints(present)];
  if (after === null || before === null || !isDeepStrictEqual(after.rest, before.rest)) return false;
  // What is the same has the same instances, in the same order.
  const isLost = before.taints.some((tainted, i) => tainted && !after.taints[i]);
  return !isLost && after.taints.some((tainted, i) => tainted && !before.taints[i]);
}

type Instance = { status?: unknown };

/** Null for what is no state file. */
function splitTaints(bytes: Uint8Array): { rest: unknown; taints: boolean[] } | null {
  let rest: { resources?: { instances?: Instance[] }[] };
  try {
    rest = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const instances = (rest.resources ?? []).flatMap((resource) => resource.instances ?? []);
    const taints = instances.map(({ status }) => status === "tainted");
    for (const instance of instances) if (instance.status === "tainted") delete instance.status;
    return { rest, taints };
  } catch {
    return null; // Nothing can be said of it but that it is another.
  }
}
