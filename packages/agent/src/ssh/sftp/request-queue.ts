/** Requests of one class run beside each other; every other change of class waits for all before it. */
export type RequestClass = "read" | "write" | "exclusive";

const MAX_PARALLEL = 16;

export type RequestQueue = {
  /** Runs `work` when all earlier requests that it must not overtake are done. */
  add(kind: RequestClass, work: () => Promise<void>): void;
  /** Requests that have not been answered. */
  readonly size: number;
  idle(): Promise<void>;
};

/**
 * Clients send many requests without waiting for answers. Reads of a file overlap freely, and so do writes, whose
 * offsets keep them apart; anything else sees the effects of all that came before, as with a server that does one
 * thing after another.
 */
export function createRequestQueue(onSmaller: () => void): RequestQueue {
  const waiting: { kind: RequestClass; work: () => Promise<void> }[] = [];
  let active = 0;
  let activeKind: RequestClass = "exclusive";
  let onIdle: (() => void)[] = [];

  const mayStart = (kind: RequestClass) =>
    active === 0 || (kind !== "exclusive" && kind === activeKind && active < MAX_PARALLEL);
  const pump = () => {
    for (let first = waiting[0]; first !== undefined && mayStart(first.kind); first = waiting[0]) {
      waiting.shift();
      active++;
      activeKind = first.kind;
      void first.work().finally(() => {
        active--;
        pump();
        onSmaller();
      });
    }
    if (active > 0 || waiting.length > 0) return;
    for (const resolve of onIdle) resolve();
    onIdle = [];
  };
  return {
    add(kind, work) {
      waiting.push({ kind, work });
      pump();
    },
    get size() {
      return active + waiting.length;
    },
    idle: () =>
      new Promise((resolve) => {
        if (active === 0 && waiting.length === 0) return resolve();
        onIdle.push(resolve);
      }),
  };
}
