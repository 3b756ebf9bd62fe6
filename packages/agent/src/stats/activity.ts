import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Outbox } from "../connection/outbox.ts";

export type ConnectionReport = {
  connectionId: string;
  action: "connect" | "disconnect";
  type: string;
  atMs: number;
  statusCode: number;
  reason: string;
};

/** Who is connected now: counted for the stats, and each session reported at its start and end. */
export type Activity = {
  /** `app` is ssh, vscode, jetbrains or reconnecting_pty. The function returned ends the session. */
  openSession(app: string, connectionId?: string): (statusCode: number, reason: string) => void;
  /** `protocol` is the kind of a stream. */
  openStream(protocol: string): () => void;
  /** Counts the bytes of a session with the server until it is closed. */
  watchTraffic(session: {
    readonly bytesSent: number;
    readonly bytesReceived: number;
    closed: Promise<unknown>;
  }): void;
  /** Traffic since the last call, and what is open now. */
  takeStats(): {
    sessionCounts: Record<string, bigint>;
    connectionCount: bigint;
    connectionsByProtocol: Record<string, bigint>;
    txBytes: bigint;
    rxBytes: bigint;
  };
  readonly totals: {
    sessions: Map<string, number>;
    streams: Map<string, number>;
    sent: number;
    received: number;
  };
};

export function createActivity(deps: { reports: Outbox<ConnectionReport>; clock: Clock }): Activity {
  const sessions = new Map<string, number>();
  const streams = new Map<string, number>();
  const totals = {
    sessions: new Map<string, number>(),
    streams: new Map<string, number>(),
    sent: 0,
    received: 0,
  };
  const watched = new Map<
    { readonly bytesSent: number; readonly bytesReceived: number },
    { sent: number; received: number }
  >();
  let sent = 0;
  let received = 0;
  const countTraffic = () => {
    for (const [session, seen] of watched) {
      sent += session.bytesSent - seen.sent;
      received += session.bytesReceived - seen.received;
      totals.sent += session.bytesSent - seen.sent;
      totals.received += session.bytesReceived - seen.received;
      watched.set(session, { sent: session.bytesSent, received: session.bytesReceived });
    }
  };
  const add = (map: Map<string, number>, key: string, by: number) => {
    const value = (map.get(key) ?? 0) + by;
    if (value === 0) map.delete(key);
    else map.set(key, value);
  };
  const toBigInts = (map: Map<string, number>) =>
    Object.fromEntries([...map].map(([key, value]) => [key, BigInt(value)]));
  return {
    totals,
    openSession(app, connectionId = randomUUID()) {
      add(sessions, app, 1);
      add(totals.sessions, app, 1);
      const report = (action: "connect" | "disconnect", statusCode: number, reason: string) =>
        deps.reports.push({
          connectionId,
          action,
          type: app,
          atMs: deps.clock.now().getTime(),
          statusCode,
          reason,
        });
      report("connect", 0, "");
      let open = true;
      return (statusCode, reason) => {
        if (!open) return;
        open = false;
        add(sessions, app, -1);
        report("disconnect", statusCode, reason);
      };
    },
    openStream(protocol) {
      add(streams, protocol, 1);
      add(totals.streams, protocol, 1);
      let open = true;
      return () => {
        if (open) add(streams, protocol, -1);
        open = false;
      };
    },
    watchTraffic(session) {
      watched.set(session, { sent: 0, received: 0 });
      void session.closed.then(() => {
        countTraffic();
        watched.delete(session);
      });
    },
    takeStats() {
      countTraffic();
      const stats = {
        sessionCounts: toBigInts(sessions),
        connectionCount: BigInt([...streams.values()].reduce((sum, count) => sum + count, 0)),
        connectionsByProtocol: toBigInts(streams),
        txBytes: BigInt(sent),
        rxBytes: BigInt(received),
      };
      sent = 0;
      received = 0;
      return stats;
    },
  };
}
