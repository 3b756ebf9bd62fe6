import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import {
  createMuxTransport,
  createRpcHandlers,
  createSession,
  type MuxStream,
  type Session,
  SUBPROTOCOL,
  serveRpc,
  tunnelSocketOptions,
  webSocketCarrier,
} from "@slipway/mux";
import { AgentControlService, AgentService } from "@slipway/proto/agent";
import { type StreamOpen, StreamOpenSchema } from "@slipway/proto/tunnel";
import { WebSocket } from "ws";

export type FakeAgent = {
  service: Client<typeof AgentService>;
  session: Session;
  /** Streams that the server opened, newest last. */
  opened: { open: StreamOpen; stream: MuxStream }[];
  /** What the server told it to forget, newest last. */
  forgotten: { resumeKeys: Uint8Array[]; terminalIds: string[] }[];
  close(): void;
};

/** The far end of an agent's carrier, without anything behind it: streams are echoed. */
export async function connectFakeAgent(url: string, token: string): Promise<FakeAgent> {
  const address = `${url.replace(/^http/, "ws")}/api/v2/workspaceagents/me/rpc`;
  const socket = new WebSocket(address, SUBPROTOCOL, {
    ...tunnelSocketOptions(address),
    headers: { "Coder-Session-Token": token },
  });
  const carrier = webSocketCarrier(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("unexpected-response", (_request, response) =>
      reject(new Error(`HTTP ${response.statusCode}`)),
    );
    socket.once("error", reject);
  });
  const opened: FakeAgent["opened"] = [];
  const forgotten: FakeAgent["forgotten"] = [];
  const control = createRpcHandlers((router) =>
    router.service(AgentControlService, {
      listeningPorts: () => ({ ports: [] }),
      forgetStreams({ resumeKeys, terminalIds }) {
        forgotten.push({ resumeKeys, terminalIds });
        return {};
      },
    }),
  );
  const session = createSession(carrier, {
    role: "dialer",
    onStream(stream) {
      const open = fromBinary(StreamOpenSchema, stream.meta);
      if (open.kind.case === "rpc") return serveRpc(stream, control);
      opened.push({ open, stream });
      stream.pipe(stream);
    },
  });
  const meta = toBinary(
    StreamOpenSchema,
    create(StreamOpenSchema, { version: 1, kind: { case: "rpc", value: {} } }),
  );
  return {
    service: createClient(AgentService, createMuxTransport({ open: () => session.open(meta) })),
    session,
    opened,
    forgotten,
    close: () => session.close(),
  };
}

export type FakeTunnel = {
  session: Session;
  open(message: Parameters<typeof create<typeof StreamOpenSchema>>[1]): MuxStream;
};

/** A command line's tunnel to an agent. Rejects with `HTTP <status>` when the server refuses the upgrade. */
export async function connectFakeTunnel(url: string, agentId: string, token: string): Promise<FakeTunnel> {
  const address = `${url.replace(/^http/, "ws")}/api/v2/workspaceagents/${agentId}/tunnel`;
  const socket = new WebSocket(address, SUBPROTOCOL, {
    ...tunnelSocketOptions(address),
    headers: { "Coder-Session-Token": token },
  });
  const carrier = webSocketCarrier(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("unexpected-response", (_request, response) =>
      reject(new Error(`HTTP ${response.statusCode}`)),
    );
    socket.once("error", reject);
  });
  const session = createSession(carrier, { role: "dialer" });
  return {
    session,
    open: (message) => session.open(toBinary(StreamOpenSchema, create(StreamOpenSchema, message))),
  };
}
