import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type { AgentService } from "@slipway/proto/agent";
import { backoffMs, pause } from "./backoff.ts";

export type AgentClient = Client<typeof AgentService>;

const CALL_TIMEOUT_MS = 30_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/** A repeated call would get the same answer. */
const PERMANENT = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.FailedPrecondition,
  Code.OutOfRange,
  Code.Unimplemented,
]);

/** The way to the server whichever session carries it now. */
export type ServerLink = {
  /** Calls go over this client until it is detached or replaced. */
  attach(client: AgentClient): () => void;
  /**
   * Makes the call, over as many sessions as it takes, until it is answered or `signal` aborts. Rejects when the
   * server refuses it for good.
   */
  call<T>(
    make: (client: AgentClient, options: { timeoutMs: number; signal: AbortSignal }) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>;
  readonly connected: boolean;
};

export function createServerLink(options: { random?: () => number } = {}): ServerLink {
  const random = options.random ?? Math.random;
  let current: AgentClient | undefined;
  const waiting = new Set<() => void>();

  const client = (signal: AbortSignal): Promise<AgentClient> =>
    new Promise((resolve, reject) => {
      const attempt = () => {
        if (current === undefined) return;
        settle();
        resolve(current);
      };
      const onAbort = () => {
        settle();
        reject(signal.reason);
      };
      const settle = () => {
        waiting.delete(attempt);
        signal.removeEventListener("abort", onAbort);
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      waiting.add(attempt);
      attempt();
    });

  return {
    attach(next) {
      current = next;
      for (const attempt of [...waiting]) attempt();
      return () => {
        if (current === next) current = undefined;
      };
    },
    async call(make, signal) {
      for (let attempt = 0; ; attempt++) {
        const to = await client(signal);
        try {
          return await make(to, { timeoutMs: CALL_TIMEOUT_MS, signal });
        } catch (error) {
          signal.throwIfAborted();
          if (PERMANENT.has(ConnectError.from(error).code)) throw error;
        }
        await pause(backoffMs(attempt, FIRST_RETRY_MS, MAX_RETRY_MS, random), signal);
      }
    },
    get connected() {
      return current !== undefined;
    },
  };
}
