import { randomUUID } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type Carrier,
  createSession,
  encodeDelimited,
  type MuxStream,
  relay,
  type WindowBudget,
} from "@slipway/mux";
import { CallerSchema, StreamAcceptSchema, type StreamOpen, StreamOpenSchema } from "@slipway/proto/tunnel";
import type { AgentHub } from "../agents/agent-hub.ts";
import type { AgentOfWorkspace } from "../agents/find-agent.ts";
import type { Deps } from "../deps.ts";
import type { Auth } from "../http/auth.ts";
import { createForgettable, forgetInAgent } from "./forgettable.ts";
import type { KeptStreams } from "./kept-streams.ts";
import type { LiveAccess } from "./live-access.ts";
import { whyNoReturn } from "./why-no-return.ts";

/** Kinds of stream that a person may open towards an agent. `rpc` is the server's alone. */
const openKinds = new Set(["ssh", "exec", "pty", "tcp", "unix", "udp", "speedtest", "ping"]);

/** Interactive kinds go before bulk (transport.md, Scheduling). */
const priorityKinds = new Set(["ssh", "exec", "pty", "ping"]);

/** How long a stream waits for an agent that is on its way back, such as after a restart of the server. */
const agentGraceMs = 5_000;

export type ServeTunnel = {
  carrier: Carrier;
  found: AgentOfWorkspace;
  auth: Auth;
  remoteIp: string;
  hub: AgentHub;
  live: LiveAccess;
  kept: KeptStreams;
  budget: WindowBudget;
};

/**
 * Serves one carrier of a command line to one agent: every stream that it opens is relayed to the agent, under the
 * name of the person who opened it. Resolves when the carrier is gone.
 *
 * The whole tunnel is one entry in the registry of live access: when the ground for it goes, all of its streams are
 * cut, and the agent forgets those that could be resumed: also when it goes while the command line is away.
 */
export async function serveTunnel(deps: Deps, options: ServeTunnel): Promise<void> {
  const { carrier, found, auth, hub, live, kept, budget } = options;
  const { agent, workspace } = found;
  const log = deps.log.child({ agentId: agent.id, workspaceId: workspace.id, userId: auth.user.id });
  const forgettable = createForgettable();
  const openStreams = new Set<MuxStream>();

  const session = createSession(carrier, {
    role: "acceptor",
    windowBudget: budget,
    log,
    onStream: (stream) => {
      serveStream(stream).catch((err) => {
        log.warn({ err }, "a tunnel stream failed");
        stream.reset("internal", "The server could not open this stream.");
      });
    },
  });

  async function serveStream(stream: MuxStream): Promise<void> {
    const open = parseOpen(stream.meta);
    const kind = open?.kind.case;
    if (!open || !kind || !openKinds.has(kind)) {
      return refuse(
        stream,
        "unsupported",
        `This server does not relay streams of kind "${kind ?? "unknown"}".`,
      );
    }
    const gone = new AbortController();
    openStreams.add(stream);
    stream.once("close", () => {
      openStreams.delete(stream);
      gone.abort();
    });
    const isGone = hub.sessions.get(agent.id) ? null : await whyNoReturn(deps, found);
    if (isGone !== null) return refuse(stream, "refused", isGone);
    const target = await hub.sessions.waitFor(agent.id, { timeoutMs: agentGraceMs, signal: gone.signal });
    if (gone.signal.aborted) return;
    if (!target || target.session.isClosed) {
      return refuse(
        stream,
        "agent_disconnected",
        `The agent "${agent.name}" of workspace "${workspace.name}" is not connected.`,
      );
    }
    const connectionId = randomUUID();
    // Whatever a client claims about itself is overwritten.
    const meta = toBinary(
      StreamOpenSchema,
      create(StreamOpenSchema, {
        ...open,
        version: 1,
        caller: create(CallerSchema, {
          userId: auth.user.id,
          username: auth.user.username,
          keyId: auth.key.id,
          connectionId,
          remoteIp: options.remoteIp,
        }),
      }),
    );
    const towardsAgent = target.session.open(meta, { priority: priorityKinds.has(kind) });
    const ended = forgettable.opened(open);
    kept.taken(agent.id, {
      resumeKey: open.resume?.key,
      terminalId: open.kind.case === "pty" ? open.kind.value.id : undefined,
    });
    log.debug({ connectionId, kind }, "stream opened");
    const { aToB, bToA, cause } = await relay(stream, towardsAgent).done;
    ended(cause === undefined);
    log.debug(
      { connectionId, kind, sentBytes: aToB, receivedBytes: bToA, cause: cause?.message },
      "stream closed",
    );
  }

  const person = { userId: auth.user.id, keyId: auth.key.id, workspaceId: workspace.id };
  let isCut = false;
  const leave = live.enter({
    ...person,
    action: "ssh",
    kind: "tunnel",
    cut(reason) {
      isCut = true;
      // Each stream says why: a client must not try to go on elsewhere, and its person wants to know.
      for (const stream of openStreams) stream.reset("forbidden", reason);
      session.close(new Error(reason));
      forgetInAgent(hub, log, { agentId: agent.id, reason, ...forgettable.all() });
    },
  });
  const onStop = () => session.goAway("The server is shutting down.");
  deps.signal.addEventListener("abort", onStop, { once: true });
  await session.closed;
  deps.signal.removeEventListener("abort", onStop);
  leave();
  if (!isCut) kept.keep({ agentId: agent.id, ...person, ...forgettable.all() });
}

function parseOpen(meta: Uint8Array): StreamOpen | null {
  try {
    return fromBinary(StreamOpenSchema, meta);
  } catch {
    return null; // Not a message of ours: refused as an unknown kind.
  }
}

function refuse(stream: MuxStream, code: string, message: string): void {
  const answer = create(StreamAcceptSchema, { ok: false, errorCode: code, error: message });
  stream.end(encodeDelimited(toBinary(StreamAcceptSchema, answer)));
  stream.resume();
}
