import { randomUUID } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createDelimitedDecoder, encodeDelimited, type MuxStream, readDelimited } from "@slipway/mux";
import { ExecFrameSchema, StreamAcceptSchema, StreamOpenSchema } from "@slipway/proto/tunnel";
import type { WebSocket } from "ws";
import { z } from "zod";
import type { AgentHub } from "../agents/agent-hub.ts";
import type { AgentOfWorkspace } from "../agents/find-agent.ts";
import type { Deps } from "../deps.ts";
import type { Auth } from "../http/auth.ts";
import { closeSocket } from "../http/close-socket.ts";
import { forgetInAgent } from "./forgettable.ts";
import { judgePerson } from "./judge-person.ts";
import type { KeptStreams } from "./kept-streams.ts";
import type { LiveAccess, WorkspaceEntry } from "./live-access.ts";
import { whyNoReturn } from "./why-no-return.ts";

const maxFrameBytes = 1024 * 1024;
const maxAcceptBytes = 16 * 1024;
/** Output that a browser has not taken yet; beyond it the terminal waits, and holds nothing more. */
const maxUnsentBytes = 512 * 1024;
const agentGraceMs = 5_000;
/** An agent that is there answers at once, even on a machine that is very busy. */
const acceptTimeoutMs = 30_000;

/** What the browser sends (agent-and-apps.md 1.10). A size of zero means: leave it. */
const TerminalInput = z.object({
  data: z.string().optional(),
  height: z.number().int().min(0).max(65_535).optional(),
  width: z.number().int().min(0).max(65_535).optional(),
});

export type ServeTerminal = {
  socket: WebSocket;
  found: AgentOfWorkspace;
  auth: Auth;
  remoteIp: string;
  hub: AgentHub;
  live: LiveAccess;
  kept: KeptStreams;
  terminal: { id: string; command: string; height: number; width: number };
};

/** Joins a browser's terminal to a reconnecting terminal of the agent: JSON in, raw bytes out. */
export async function serveTerminal(deps: Deps, options: ServeTerminal): Promise<void> {
  const { socket, found, auth, hub, live, kept, terminal } = options;
  const { agent, workspace } = found;
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  socket.on("error", () => gone.abort());
  // Until the terminal stands, what is typed waits in the socket.
  socket.pause();

  let stream: MuxStream | undefined;
  // Before the agent is waited for: who loses access meanwhile must not get a terminal.
  const person = { userId: auth.user.id, keyId: auth.key.id, workspaceId: workspace.id };
  let isCut = false;
  const entry: WorkspaceEntry = {
    ...person,
    action: "ssh",
    kind: "terminal",
    cut: (reason) => {
      isCut = true;
      gone.abort();
      closeSocket(socket, 1008, reason);
      stream?.reset("forbidden", reason);
      // Else the shell would stay for whoever comes back within some minutes.
      forgetInAgent(hub, deps.log, {
        agentId: agent.id,
        reason,
        resumeKeys: [],
        terminalIds: [terminal.id],
      });
    },
  };
  const leave = live.enter(entry);
  const onStop = () => closeSocket(socket, 1012, "The server is restarting.");
  deps.signal.addEventListener("abort", onStop, { once: true });
  try {
    const isThere = hub.sessions.get(agent.id) !== undefined;
    const isGone = isThere ? null : await whyNoReturn(deps, found);
    if (isGone !== null) return closeSocket(socket, 1011, isGone);
    const target = await hub.sessions.waitFor(agent.id, { timeoutMs: agentGraceMs, signal: gone.signal });
    if (gone.signal.aborted) return;
    if (!target || target.session.isClosed) {
      closeSocket(socket, 1011, `The agent "${agent.name}" is not connected.`);
      return;
    }
    if (!isThere) {
      // What was withdrawn while it was waited for may still be on its way to the registry.
      const { why } = await judgePerson(deps, entry);
      if (why !== null) entry.cut(why);
      if (gone.signal.aborted) return;
    }
    stream = openTerminal(target.session.open.bind(target.session), options);
    kept.taken(agent.id, { terminalId: terminal.id });
    const late = AbortSignal.any([gone.signal, AbortSignal.timeout(acceptTimeoutMs)]);
    const accept = fromBinary(StreamAcceptSchema, await readDelimited(stream, maxAcceptBytes, late));
    if (!accept.ok) {
      closeSocket(socket, 1011, accept.error);
      return;
    }
    await join(socket, stream, gone.signal);
  } catch (err) {
    if (!gone.signal.aborted) {
      deps.log.debug({ err, agentId: agent.id, terminalId: terminal.id }, "a terminal broke");
      closeSocket(socket, 1011, "The connection to the workspace was lost.");
    }
  } finally {
    deps.signal.removeEventListener("abort", onStop);
    leave();
    if (stream && !isCut) {
      kept.keep({ agentId: agent.id, ...person, resumeKeys: [], terminalIds: [terminal.id] });
    }
    stream?.destroy();
  }
}

function openTerminal(
  open: (meta: Uint8Array, options: { priority: boolean }) => MuxStream,
  { auth, remoteIp, terminal }: ServeTerminal,
): MuxStream {
  const meta = create(StreamOpenSchema, {
    version: 1,
    caller: {
      userId: auth.user.id,
      username: auth.user.username,
      keyId: auth.key.id,
      connectionId: randomUUID(),
      remoteIp,
    },
    kind: {
      case: "pty",
      value: { id: terminal.id, command: terminal.command, rows: terminal.height, cols: terminal.width },
    },
  });
  return open(toBinary(StreamOpenSchema, meta), { priority: true });
}

/** Resolves when either side has ended. */
function join(socket: WebSocket, stream: MuxStream, signal: AbortSignal): Promise<void> {
  const decode = createDelimitedDecoder(maxFrameBytes);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const send = (frame: Parameters<typeof create<typeof ExecFrameSchema>>[1]) => {
    const isRoomy = stream.write(encodeDelimited(toBinary(ExecFrameSchema, create(ExecFrameSchema, frame))));
    if (!isRoomy) socket.pause();
  };
  stream.on("drain", () => socket.resume());
  stream.on("data", (chunk: Buffer) => {
    try {
      for (const message of decode(chunk)) {
        const { frame } = fromBinary(ExecFrameSchema, message);
        if (frame.case === "stdout" || frame.case === "stderr") {
          socket.send(frame.value, { binary: true }, () => {
            if (stream.isPaused() && socket.bufferedAmount < maxUnsentBytes / 2) stream.resume();
          });
        } else if (frame.case === "exit") {
          closeSocket(socket, 1000, frame.value.error || "The shell has ended.");
        }
      }
      if (socket.bufferedAmount > maxUnsentBytes) stream.pause();
    } catch (err) {
      reject(err);
    }
  });
  stream.once("end", () => {
    closeSocket(socket, 1000, "");
    resolve();
  });
  stream.once("close", () => (stream.errored ? reject(stream.errored) : resolve()));
  signal.addEventListener("abort", () => resolve(), { once: true });
  socket.on("message", (data: Buffer) => {
    const input = parseInput(data);
    if (!input) {
      socket.close(1003, "Expected JSON with data, height or width.");
      return;
    }
    if (input.height && input.width) {
      send({ frame: { case: "resize", value: { rows: input.height, cols: input.width } } });
    }
    if (input.data) send({ frame: { case: "stdin", value: Buffer.from(input.data) } });
  });
  socket.resume();
  return promise;
}

function parseInput(data: Buffer): z.infer<typeof TerminalInput> | null {
  try {
    return TerminalInput.parse(JSON.parse(data.toString("utf8")));
  } catch {
    return null; // Said to the client by the caller.
  }
}
