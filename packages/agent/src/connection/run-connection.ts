import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import {
  type Carrier,
  createMuxTransport,
  createSession,
  type MuxStream,
  type Session,
  UpgradeRefusal,
} from "@slipway/mux";
import { AgentService, type Manifest } from "@slipway/proto/agent";
import { StreamOpenSchema } from "@slipway/proto/tunnel";
import { errorText, type Log } from "../log/log.ts";
import { backoffMs, pause } from "./backoff.ts";
import type { ServerLink } from "./server-link.ts";

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 10_000;
/** People with a paused shell wait now: for this long after a loss, look for the server at least every second. */
const EAGER_MS = 5 * 60_000;
const EAGER_MAX_BACKOFF_MS = 1_000;
const MANIFEST_TIMEOUT_MS = 30_000;

export type ConnectionDeps = {
  dial: (signal: AbortSignal) => Promise<Carrier>;
  link: ServerLink;
  log: Log;
  onStream: (stream: MuxStream) => void;
  /** Every session begins with a manifest; the first one starts the workspace's life. */
  onManifest: (manifest: Manifest) => void;
  onSession: (session: Session) => void;
  random?: () => number;
};

/** The meta of a stream that carries one call. */
export const rpcMeta: Uint8Array = toBinary(
  StreamOpenSchema,
  create(StreamOpenSchema, { version: 1, kind: { case: "rpc", value: {} } }),
);

/**
 * Keeps one session with the server, forever, until `signal` aborts. A session that says goodbye (its server drains)
 * is replaced at once, while its open streams go on to their end.
 */
export async function runConnection(deps: ConnectionDeps, signal: AbortSignal): Promise<void> {
  const { log } = deps;
  const random = deps.random ?? Math.random;
  const sessions = new Set<Session>();
  let attempt = 0;
  let lostAt: number | undefined;
  let said = "";

  const sayOnce = (text: string, error: unknown) => {
    // The container runs before the server has stored its token, and outages last: one line each, not thousands.
    if (text === said) log.debug({ error: errorText(error) }, text);
    else log.warn({ error: errorText(error) }, text);
    said = text;
  };
  while (!signal.aborted) {
    const startedAt = performance.now();
    try {
      await oneSession(deps, sessions, signal, () => {
        attempt = 0;
        said = "";
        log.info({}, "connected to the server");
      });
      if (signal.aborted) break;
      log.info({}, "the session with the server has ended; connecting again");
    } catch (error) {
      if (signal.aborted) break;
      sayOnce(explain(error), error);
    }
    if (performance.now() - startedAt > MAX_BACKOFF_MS || lostAt === undefined) lostAt = performance.now();
    const eager = performance.now() - lostAt < EAGER_MS && said !== refusedText;
    await pause(
      backoffMs(attempt++, FIRST_BACKOFF_MS, eager ? EAGER_MAX_BACKOFF_MS : MAX_BACKOFF_MS, random),
      signal,
    );
  }
  for (const session of sessions) session.close();
}

const refusedText = "the server does not accept this agent's token (yet); trying again";

function explain(error: unknown): string {
  if (error instanceof UpgradeRefusal && error.status === 401) return refusedText;
  return "cannot reach the server; trying again";
}

/** Resolves when this session should be replaced by another. */
async function oneSession(
  deps: ConnectionDeps,
  sessions: Set<Session>,
  signal: AbortSignal,
  onReady: () => void,
): Promise<void> {
  const carrier = await deps.dial(signal);
  const goingAway = Promise.withResolvers<void>();
  const session = createSession(carrier, {
    role: "dialer",
    onStream: deps.onStream,
    onGoAway: () => goingAway.resolve(),
  });
  sessions.add(session);
  deps.onSession(session);
  void session.closed.then(() => sessions.delete(session));
  const onAbort = () => session.close();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const client = createClient(AgentService, createMuxTransport({ open: () => session.open(rpcMeta) }));
    const manifest = await client.getManifest({}, { timeoutMs: MANIFEST_TIMEOUT_MS, signal });
    onReady();
    const detach = deps.link.attach(client);
    deps.onManifest(manifest);
    const cause = await Promise.race([session.closed, goingAway.promise]);
    detach();
    if (cause !== undefined) throw cause;
  } catch (error) {
    session.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
