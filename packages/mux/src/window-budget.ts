/**
 * Caps the sum of receive windows: of one session, or of all sessions of a server that share one budget.
 * Windows above the initial size may fill only half of it, so that a few fast streams leave room for the rest.
 */
export type WindowBudget = {
  reserve(bytes: number, purpose: "initial" | "growth"): boolean;
  release(bytes: number): void;
  readonly usedBytes: number;
};

/**
 * ```ts
 * const shared = createWindowBudget(1024 * 1024 * 1024);
 * createSession(carrier, { role: "acceptor", windowBudget: shared });
 * ```
 */
export function createWindowBudget(capBytes: number, parent?: WindowBudget): WindowBudget {
  let usedBytes = 0;
  return {
    reserve(bytes, purpose) {
      if (usedBytes + bytes > (purpose === "growth" ? capBytes / 2 : capBytes)) return false;
      if (parent !== undefined && !parent.reserve(bytes, purpose)) return false;
      usedBytes += bytes;
      return true;
    },
    release(bytes) {
      usedBytes -= bytes;
      parent?.release(bytes);
    },
    get usedBytes() {
      return usedBytes;
    },
  };
}
