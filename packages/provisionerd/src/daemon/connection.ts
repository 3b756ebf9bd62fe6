import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { type Carrier, createMuxTransport, createSession, type Session } from "@slipway/mux";
import { ProvisionerDaemonService, type RegisterResponse } from "@slipway/proto/provisionerd";
import { createBackoff, pause } from "./backoff.ts";
import type { DaemonLog } from "./daemon-log.ts";

export type DaemonClient = Client<typeof ProvisionerDaemonService>;

/** State travels in one message; Terraform states of tens of megabytes exist. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export type ConnectionOptions = {
  connect(signal: AbortSignal): Promise<Carrier>;
  register: {
    name: string;
    version: string;
    provisioners: string[];
    tags: Record<string, string>;
    instanceId: string;
  };
  log: DaemonLog;
  /** Ends the connection, and the attempts to have one. */
  signal: AbortSignal;
  onRegistered?(client: DaemonClient, registered: RegisterResponse): void;
};

export type Connection = {
  /** The present connection's client; waits for one. Rejects when `signal` aborts. */
  client(signal: AbortSignal): Promise<DaemonClient>;
  /**
   * Repeats a call over as many connections as it takes. What the server refuses is thrown; only a lost or
   * missing connection is waited out.
   */
  call<T>(signal: AbortSignal, send: (client: DaemonClient, signal: AbortSignal) => Promise<T>): Promise<T>;
  registered(signal: AbortSignal): Promise<RegisterResponse>;
  /** Gives this client's connection up, if it is still the present one, for another: that may lead to another replica. */
  leave(client: DaemonClient): void;
  /** The same, unless the server answers a ping: a network that went away says nothing. */
  leaveIfSilent(client: DaemonClient, timeoutMs: number): void;
  /** Whether there is a connection at this moment. */
  isUp(): boolean;
  /** Resolves when the last session has ended, after `signal` aborted. Rejects when the server refuses us for good. */
  ended: Promise<void>;
};

export const API_VERSION = "1.18";
const REGISTER_TIMEOUT_MS = 30_000;

/** Keeps one session with the server, for as long as the daemon lives: 50 ms to 10 s between attempts. */
export function keepConnection(options: ConnectionOptions): Connection {
  const { log, signal } = options;
  let current: { client: DaemonClient; registered: RegisterResponse; session: Session } | null = null;
  const waiters = new Set<() => void>();
  const announce = (next: typeof current) => {
    current = next;
    if (next !== null) for (const wake of [...waiters]) wake();
  };

  async function once(onUp: () => void): Promise<void> {
    const carrier = await options.connect(signal);
    const session = createSession(carrier, {
      role: "dialer",
      // The server drains: what runs is renewed elsewhere, on the next connection.
      onGoAway: (reason) => log.info({ reason }, "server is going away"),
    });
    const onAbort = () => session.close();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const client = clientOf(session);
      const registered = await client.register(
        { ...options.register, apiVersion: API_VERSION },
        { signal, timeoutMs: REGISTER_TIMEOUT_MS },
      );
      log.info(
        { daemonId: registered.daemonId, server: registered.serverVersion },
        "successfully connected to coderd",
      );
      onUp();
      announce({ client, registered, session });
      options.onRegistered?.(client, registered);
      const cause = await session.closed;
      if (cause !== undefined && !signal.aborted) log.warn({ err: cause }, "connection lost");
    } finally {
      announce(null);
      signal.removeEventListener("abort", onAbort);
      session.close();
    }
  }

  async function keep(): Promise<void> {
    const backoff = createBackoff(50, 10_000);
    while (!signal.aborted) {
      try {
        await once(backoff.reset);
      } catch (error) {
        if (signal.aborted) return;
        if (isRefusal(error)) throw error;
        log.warn({ err: error }, "cannot reach the server");
      }
      if (!signal.aborted) await pause(backoff.next(), signal);
    }
  }

  async function present(wanted: AbortSignal) {
    for (;;) {
      wanted.throwIfAborted();
      if (current !== null) return current;
      await new Promise<void>((resolve) => {
        const done = () => {
          waiters.delete(done);
          wanted.removeEventListener("abort", done);
          resolve();
        };
        waiters.add(done);
        wanted.addEventListener("abort", done, { once: true });
      });
    }
  }

  return {
    client: async (wanted) => (await present(wanted)).client,
    isUp: () => current !== null,
    leave(client) {
      if (current?.client === client) current.session.close();
    },
    leaveIfSilent(client, timeoutMs) {
      if (current?.client !== client) return;
      const { session } = current;
      session.ping(AbortSignal.timeout(Math.round(timeoutMs))).catch(() => {
        log.warn({}, "the server is silent; connecting again");
        session.close();
      });
    },
    registered: async (wanted) => (await present(wanted)).registered,
    async call(wanted, send) {
      const backoff = createBackoff(25, 5_000);
      for (;;) {
        const { client } = await present(wanted);
        try {
          return await send(client, wanted);
        } catch (error) {
          wanted.throwIfAborted();
          if (!isConnectionProblem(error)) throw error;
          await pause(backoff.next(), wanted);
        }
      }
    },
    ended: keep(),
  };
}

function clientOf(session: Session): DaemonClient {
  const transport = createMuxTransport({
    open: () => session.open(new Uint8Array()),
    maxMessageBytes: MAX_MESSAGE_BYTES,
  });
  return createClient(ProvisionerDaemonService, transport);
}

/** The server can be asked again: it, the connection or its database is away. */
export function isConnectionProblem(error: unknown): boolean {
  const code = ConnectError.from(error).code;
  return code === Code.Unavailable || code === Code.Canceled || code === Code.DeadlineExceeded;
}

/** Trying again with the same credentials is of no use. */
function isRefusal(error: unknown): boolean {
  if (error instanceof ConnectError) {
    return (
      error.code === Code.PermissionDenied ||
      error.code === Code.Unauthenticated ||
      error.code === Code.InvalidArgument
    );
  }
  return error instanceof Error && "refused" in error && error.refused === true;
}
