import { create, toBinary } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createMuxTransport } from "@slipway/mux";
import { AgentControlService } from "@slipway/proto/agent";
import { StreamOpenSchema } from "@slipway/proto/tunnel";
import type { AgentSession } from "./agent-sessions.ts";

const rpcMeta = toBinary(
  StreamOpenSchema,
  create(StreamOpenSchema, { version: 1, kind: { case: "rpc", value: {} } }),
);

/** Calls that the server makes to a connected agent. */
export function agentControl(target: AgentSession): Client<typeof AgentControlService> {
  return createClient(AgentControlService, createMuxTransport({ open: () => target.session.open(rpcMeta) }));
}
