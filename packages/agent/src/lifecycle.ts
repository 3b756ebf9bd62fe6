import type { Clock } from "./clock.ts";
import { createOutbox, type Outbox } from "./connection/outbox.ts";
import type { ServerLink } from "./connection/server-link.ts";
import type { Log } from "./log/log.ts";

export type LifecycleState =
  | "starting"
  | "ready"
  | "start_timeout"
  | "start_error"
  | "shutting_down"
  | "off"
  | "shutdown_timeout"
  | "shutdown_error";

export type Lifecycle = Pick<Outbox<never>, "flush"> & {
  readonly state: LifecycleState | undefined;
  enter(state: LifecycleState): void;
};

const ORDER: Record<LifecycleState, number> = {
  starting: 1,
  ready: 2,
  start_timeout: 2,
  start_error: 2,
  shutting_down: 3,
  off: 4,
  shutdown_timeout: 4,
  shutdown_error: 4,
};

/** Reports states in order, each once, and never goes back to an earlier one. */
export function createLifecycle(deps: {
  link: ServerLink;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}): Lifecycle {
  let state: LifecycleState | undefined;
  const outbox = createOutbox<{ state: LifecycleState; changedAtMs: bigint }>({
    name: "lifecycle",
    link: deps.link,
    log: deps.log,
    signal: deps.signal,
    limit: 16,
    send: (client, item, signal) => client.updateLifecycle(item, { signal }),
  });
  return {
    get state() {
      return state;
    },
    enter(next) {
      if (state !== undefined && ORDER[next] <= ORDER[state]) return;
      state = next;
      deps.log.info({ state: next }, "lifecycle");
      outbox.push({ state: next, changedAtMs: BigInt(deps.clock.now().getTime()) });
    },
    flush: (signal) => outbox.flush(signal),
  };
}
