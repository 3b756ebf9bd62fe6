import { createContextValues } from "@connectrpc/connect";
import { daemons } from "@slipway/api";
import { type Carrier, createSession, memoryCarrierPair, type Session, serveRpc } from "@slipway/mux";
import { sql } from "kysely";
import type { LiveAccess } from "../connections/live-access.ts";
import { isPostgresAway } from "../db/postgres-errors.ts";
import type { Deps } from "../deps.ts";
import { createAcquirer } from "../jobs/acquirer.ts";
import { extendLeases, unconfirmedLeaseMs } from "../jobs/lease.ts";
import { defaultOrganization } from "../organizations/default-organization.ts";
import { noteKeysUsed } from "./authenticate-provisioner-key.ts";
import type { DaemonIdentity } from "./daemon-identity.ts";
import { createDaemonService, maxDaemonMessageBytes } from "./daemon-service.ts";
import { type DaemonSession, daemonSessionKey } from "./daemon-session.ts";
import { noteCutOff, noteLeft } from "./note-left.ts";

const SEEN_EVERY_MS = 30_000;

export type Provisioners = {
  /** Serves a daemon that was let in. Resolves when its connection has ended. */
  serveDaemon(carrier: Carrier, identity: DaemonIdentity): Promise<void>;
  /** A connection for a daemon of this very process, in the default organization. */
  connectBuiltinDaemon(): Promise<Carrier>;
  /** Prolongs what runs, for whoever comes next, and ends all connections. */
  close(): Promise<void>;
};

/**
 * The server's side of provisioner daemons. Built-in ones use the very service that external ones do. In `live` those
 * are entered whose credential may be withdrawn. `isAlone`: whether no other replica serves this database.
 */
export function createProvisioners(
  deps: Deps,
  { live, isAlone = () => true }: { live?: LiveAccess; isAlone?: () => boolean } = {},
): Provisioners {
  const leaseMs = deps.config.provisionerJobLeaseMs;
  const acquirer = createAcquirer(deps, { leaseMs: unconfirmedLeaseMs(leaseMs) });
  const handlers = createDaemonService(deps, acquirer, isAlone);
  const sessions = new Map<Session, DaemonSession>();
  const builtin = new Set<Promise<void>>();

  // One statement for all of them, so that a thousand daemons are no load.
  const noteSeen = async () => {
    const ids = [...sessions.values()].flatMap(({ daemon }) => daemon?.id ?? []);
    if (ids.length === 0) return;
    const keyIds = new Set([...sessions.values()].map(({ identity }) => identity.keyId));
    await noteKeysUsed(deps.db, [...keyIds]);
    await deps.db
      .updateTable("provisioner_daemons")
      .set({ last_seen_at: sql<Date>`now()` })
      .where("id", "in", ids)
      .execute();
  };
  const seen = setInterval(() => {
    noteSeen().catch((err: unknown) => {
      if (!isPostgresAway(err)) deps.log.error({ err }, "noting which daemons are connected failed");
    });
  }, SEEN_EVERY_MS);
  seen.unref();

  async function serveDaemon(carrier: Carrier, identity: DaemonIdentity): Promise<void> {
    const ended = new AbortController();
    const daemon: DaemonSession = { identity, daemon: null, held: new Set(), signal: ended.signal };
    const session = createSession(carrier, {
      role: "acceptor",
      onStream: (stream) =>
        serveRpc(stream, handlers, {
          contextValues: createContextValues().set(daemonSessionKey, daemon),
          maxMessageBytes: maxDaemonMessageBytes,
        }),
    });
    sessions.set(session, daemon);
    const leave =
      identity.ground &&
      live?.enter({
        ground: identity.ground,
        kind: "provisioner daemon",
        cut: (reason) => void cutOff(session, daemon, reason),
      });
    const cause = await session.closed;
    leave?.();
    ended.abort();
    sessions.delete(session);
    deps.log.info({ daemon: daemon.daemon?.name, err: cause }, "a provisioner daemon has left");
    // One that was lost may be back in a moment, on this replica or another. One of this process ends with it.
    const mayBeBack = cause !== undefined || deps.signal.aborted;
    if (mayBeBack && identity.keyId !== daemons.reservedProvisionerKeyIds.builtIn) return;
    await noteLeft(deps.db, daemon).catch((err: unknown) => {
      if (!isPostgresAway(err)) deps.log.warn({ err }, "that a daemon has left could not be noted");
    });
  }

  /**
   * Ends the connection of a daemon whose credential is good no more. Its jobs stay leased until it must have ended
   * them by itself: no second build of a workspace may meet a first one that still runs. The reaper then tells why.
   */
  async function cutOff(session: Session, daemon: DaemonSession, reason: string): Promise<void> {
    // The daemon logs the reason, and learns from the refusal of its next connection that it is final.
    session.goAway(reason);
    session.close();
    try {
      await noteCutOff(deps.db, daemon, reason);
    } catch (err) {
      deps.log.warn({ err, daemon: daemon.daemon?.name }, "why a daemon was cut off could not be noted");
    }
  }

  return {
    serveDaemon,
    async connectBuiltinDaemon() {
      const { id } = await defaultOrganization(deps.db);
      const [own, theirs] = memoryCarrierPair();
      const identity = { organizationId: id, keyId: daemons.reservedProvisionerKeyIds.builtIn, userId: null };
      const served = serveDaemon(own, identity).finally(() => builtin.delete(served));
      builtin.add(served);
      return theirs;
    },
    async close() {
      clearInterval(seen);
      acquirer.close();
      await extendLeases(deps.db, leaseMs).catch((err: unknown) => {
        deps.log.warn({ err }, "running leases could not be prolonged");
      });
      for (const session of sessions.keys()) session.close();
      // A server that comes without them must not wait for those of this one.
      await Promise.all(builtin);
    },
  };
}
