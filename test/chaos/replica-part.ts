import { randomUUID } from "node:crypto";
import { createDb } from "../../packages/server/src/db/db.ts";
import type { Deps } from "../../packages/server/src/deps.ts";
import { startEvents } from "../../packages/server/src/events/events.ts";
import { createReaperPass } from "../../packages/server/src/jobs/reaper.ts";
import { startPasses } from "../../packages/server/src/passes.ts";
import {
  createProvisioners,
  type Provisioners,
} from "../../packages/server/src/provisioners/provisioners.ts";
import type { Chaos } from "./chaos.ts";

/** The queue's part of a server, one of several, with connections and a clock of its own. */
export async function startReplicaPart(
  deps: Deps,
  url: string,
  offsetMs: number,
  defer: Chaos["defer"],
): Promise<Provisioners> {
  const db = createDb({ url, maxOpen: 20 });
  defer(() => db.destroy());
  const events = await startEvents({ url, log: deps.log });
  defer(() => events.close());
  const own: Deps = {
    ...deps,
    db,
    events,
    clock: { now: () => new Date(Date.now() + offsetMs) },
    replicaId: randomUUID(),
  };
  const provisioners = createProvisioners(own, { isAlone: () => false });
  defer(() => provisioners.close());
  defer(startPasses([createReaperPass()], own));
  return provisioners;
}
