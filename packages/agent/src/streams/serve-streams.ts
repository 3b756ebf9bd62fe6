import type { Duplex } from "node:stream";
import { fromBinary } from "@bufbuild/protobuf";
import { MuxError, type MuxStream, type ResumableHost, type RpcHandlers, serveRpc } from "@slipway/mux";
import { type Resume, type StreamOpen, StreamOpenSchema } from "@slipway/proto/tunnel";
import { type SessionDeps, serveExec } from "../exec/serve-exec.ts";
import { errorText } from "../log/log.ts";
import type { Terminals } from "../pty/terminals.ts";
import { acceptance, type IncomingStream, refusal } from "./incoming-stream.ts";
import type { KeptFor } from "./kept-for.ts";
import { serveTcp, serveUnix } from "./serve-forward.ts";
import { servePing, serveSpeedtest } from "./serve-measurements.ts";
import { serveUdp } from "./serve-udp.ts";

export type StreamDeps = SessionDeps & {
  control: RpcHandlers;
  resumable: ResumableHost;
  keptFor: KeptFor;
  terminals: Terminals;
  serveSsh: (incoming: IncomingStream) => Promise<void>;
};

/** Gives every stream that the server opens to whoever serves its kind. */
export function createStreamServer(deps: StreamDeps): (stream: MuxStream) => void {
  return (stream) => {
    let open: StreamOpen;
    try {
      open = fromBinary(StreamOpenSchema, stream.meta);
    } catch {
      stream.reset("refused", "The stream's meta cannot be read.");
      return;
    }
    if (open.kind.case === "rpc") return serveRpc(stream, deps.control);
    const done = deps.activity.openStream(open.kind.case ?? "unknown");
    stream.once("close", done);
    deps.keptFor.letIn(open);
    const start = (incoming: IncomingStream, bytes: Duplex) => {
      serve(deps, incoming).catch((error: unknown) => {
        deps.log.warn({ kind: open.kind.case, error: errorText(error) }, "a stream failed");
        bytes.destroy(error instanceof Error ? error : new Error(String(error)));
      });
    };
    if (open.resume === undefined) start(plainStream(open, stream), stream);
    else
      acceptResumable(deps.resumable, stream, open.resume, (bytes) =>
        start(resumableStream(open, bytes), bytes),
      );
  };
}

/** The carrier is accepted first: whether its key is known decides whether there is anything to start. */
function acceptResumable(
  host: ResumableHost,
  carrier: MuxStream,
  { key, resume, received }: Resume,
  onNew: (bytes: Duplex) => void,
): void {
  carrier.write(acceptance());
  host.accept(carrier, { key, resume, received }, onNew);
}

/** Already accepted: a refusal is a reset that carries its text. */
function resumableStream(open: StreamOpen, bytes: Duplex): IncomingStream {
  return {
    open,
    accept: () => bytes,
    refuse: (_code, message) => bytes.destroy(new MuxError("stream_reset", message, { reset: "refused" })),
  };
}

async function serve(deps: StreamDeps, incoming: IncomingStream): Promise<void> {
  const { kind } = incoming.open;
  switch (kind.case) {
    case "ssh":
      return deps.serveSsh(incoming);
    case "exec":
      return serveExec(deps, incoming, kind.value);
    case "pty":
      return deps.terminals.serve(incoming, kind.value);
    case "tcp":
      return serveTcp(incoming, kind.value.host, kind.value.port);
    case "unix":
      return serveUnix(incoming, kind.value.path, deps.context);
    case "udp":
      return serveUdp(incoming, kind.value.host, kind.value.port);
    case "speedtest":
      return serveSpeedtest(incoming, kind.value.upload, kind.value.durationMs);
    case "ping":
      return servePing(incoming);
    default:
      incoming.refuse(
        "unsupported",
        "This agent does not know streams of that kind; it may be older than the server.",
      );
  }
}

function plainStream(open: StreamOpen, stream: Duplex): IncomingStream {
  let answered = false;
  return {
    open,
    accept() {
      answered = true;
      stream.write(acceptance());
      return stream;
    },
    refuse(code, message) {
      // What fails after acceptance has no other way to say so than by breaking.
      if (answered) stream.destroy();
      else stream.end(refusal(code, message));
      answered = true;
      stream.resume();
    },
  };
}
