import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import {
  createMuxTransport,
  createRpcHandlers,
  createSession,
  readDelimited,
  type Session,
  serveRpc,
  tunnelServerOptions,
  webSocketCarrier,
} from "@slipway/mux";
import {
  AgentControlService,
  AgentService,
  type BatchCreateLogsRequest,
  type Kept,
  type ManifestSchema,
  type MetadataResult,
  type ReportConnectionRequest,
  type ScriptCompletedRequest,
  type UpdateStartupRequest,
  type UpdateStatsRequest,
} from "@slipway/proto/agent";
import { StreamAcceptSchema, StreamOpenSchema } from "@slipway/proto/tunnel";
import { WebSocketServer } from "ws";
import { rpcMeta } from "../connection/run-connection.ts";

type OpenInit = MessageInitShape<typeof StreamOpenSchema>;

/** The server's side of an agent: a real WebSocket, the service, and a record of what it was told. */
export type FakeServer = {
  url: string;
  token: string;
  /** Requests with another token, or while this is positive, are refused with 401. */
  refusals: number;
  manifest: MessageInitShape<typeof ManifestSchema>;
  privateKey: string;
  limitExceeded: boolean;
  seen: {
    lifecycle: string[];
    logs: { source: string; line: string; level: number }[];
    batches: BatchCreateLogsRequest[];
    metadata: MetadataResult[];
    health: { appId: string; health: string }[];
    scripts: ScriptCompletedRequest[];
    connections: ReportConnectionRequest[];
    startups: UpdateStartupRequest[];
    stats: UpdateStatsRequest[];
    kept: Kept[];
    headers: Record<string, unknown>[];
  };
  /** The session of the connected agent; waits for one. */
  session(): Promise<Session>;
  control(): Promise<Client<typeof AgentControlService>>;
  /** Opens a stream to the agent and waits for its acceptance. */
  open(kind: OpenInit["kind"], rest?: OpenInit): Promise<Duplex>;
  /** Cuts the connection without a word. */
  cut(): void;
  until<T>(read: () => T | undefined | false): Promise<T>;
  close(): Promise<void>;
};

export async function startFakeServer(
  manifest: MessageInitShape<typeof ManifestSchema> = {},
): Promise<FakeServer> {
  const http = createServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ ...tunnelServerOptions, noServer: true });
  const open = new Set<{ terminate(): void }>();
  let current: Session | undefined;
  const changed = new Set<() => void>();
  const notify = () => {
    for (const wake of [...changed]) wake();
  };

  const seen: FakeServer["seen"] = {
    lifecycle: [],
    logs: [],
    batches: [],
    metadata: [],
    health: [],
    scripts: [],
    connections: [],
    startups: [],
    stats: [],
    kept: [],
    headers: [],
  };
  const record = (act: () => unknown): Record<string, never> => {
    act();
    notify();
    return {};
  };
  const handlers = createRpcHandlers((router) =>
    router.service(AgentService, {
      getManifest: () => ({
        agentId: "00000000-0000-4000-8000-000000000001",
        agentName: "main",
        workspaceName: "dev",
        ownerUsername: "ada",
        ...server.manifest,
      }),
      // A report is repeated when its answer was lost.
      updateLifecycle: ({ state }) =>
        record(() => seen.lifecycle.at(-1) === state || seen.lifecycle.push(state)),
      updateStartup: (request) => record(() => seen.startups.push(request)),
      updateStats: (request) => {
        record(() => seen.stats.push(request));
        return { reportIntervalMs: 1000 };
      },
      batchCreateLogs: (request) => {
        record(() => {
          // As the server does: a batch that is repeated counts once.
          if (seen.batches.some((batch) => batch.batchId === request.batchId)) return;
          seen.batches.push(request);
          for (const { output, level } of request.logs) {
            seen.logs.push({ source: request.logSourceId, line: output, level });
          }
        });
        return { limitExceeded: server.limitExceeded };
      },
      batchUpdateMetadata: ({ results }) => record(() => seen.metadata.push(...results)),
      batchUpdateAppHealth: ({ apps }) => record(() => seen.health.push(...apps)),
      scriptCompleted: (request) => record(() => seen.scripts.push(request)),
      reportConnection: (request) => record(() => seen.connections.push(request)),
      reportKept: ({ kept }) => record(() => seen.kept.push(...kept)),
      getAnnouncementBanners: () => ({ banners: [{ enabled: true, message: "Maintenance on Friday" }] }),
      getGitSSHKey: () => ({ privateKey: server.privateKey }),
    }),
  );
  http.on("upgrade", (request, socket, head) => {
    seen.headers.push(request.headers);
    if (server.refusals > 0 || request.headers["coder-session-token"] !== server.token) {
      server.refusals--;
      const body = JSON.stringify({ message: "Workspace agent not authorized." });
      socket.end(
        `HTTP/1.1 401 Unauthorized\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
      notify();
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      open.add(ws);
      const session = createSession(webSocketCarrier(ws), {
        role: "acceptor",
        onStream: (stream) => serveRpc(stream, handlers),
      });
      current = session;
      void session.closed.then(() => {
        open.delete(ws);
        if (current === session) current = undefined;
      });
      notify();
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");

  const until = async <T>(read: () => T | undefined | false): Promise<T> => {
    for (;;) {
      const value = read();
      if (value !== undefined && value !== false) return value;
      await new Promise<void>((resolve) => {
        const wake = () => {
          changed.delete(wake);
          clearTimeout(timer);
          resolve();
        };
        // For conditions that no call of the agent announces.
        const timer = setTimeout(wake, 20);
        changed.add(wake);
      });
    }
  };
  // Ready for streams: the agent has its manifest when it reports its start.
  const session = () => until(() => (seen.startups.length > 0 ? current : undefined));
  const server: FakeServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    token: "test-token",
    refusals: 0,
    manifest,
    privateKey: "",
    limitExceeded: false,
    seen,
    session,
    until,
    async control() {
      const live = await session();
      return createClient(AgentControlService, createMuxTransport({ open: () => live.open(rpcMeta) }));
    },
    async open(kind, rest = {}) {
      const meta = toBinary(
        StreamOpenSchema,
        create(StreamOpenSchema, { version: 1, ...rest, kind: kind as never }),
      );
      const stream = (await session()).open(meta);
      const answer = fromBinary(StreamAcceptSchema, await readDelimited(stream, 64 * 1024));
      if (!answer.ok) throw new Error(`${answer.errorCode}: ${answer.error}`);
      return stream;
    },
    cut() {
      for (const ws of open) ws.terminate();
    },
    async close() {
      for (const ws of open) ws.terminate();
      http.close();
      http.closeAllConnections();
    },
  };
  return server;
}
