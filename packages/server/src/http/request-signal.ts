import type { FastifyReply, FastifyRequest } from "fastify";

const signals = new WeakMap<FastifyRequest, AbortSignal>();

/**
 * A signal that is aborted when the client goes away before it has its answer, or the server stops. Made
 * when first asked for: most handlers never do.
 */
export function requestSignal(
  req: FastifyRequest,
  reply: FastifyReply,
  serverSignal: AbortSignal,
): AbortSignal {
  const present = signals.get(req);
  if (present) return present;
  const controller = new AbortController();
  const stop = () => controller.abort(serverSignal.reason);
  const gone = () => controller.abort(new DOMException("The client went away.", "AbortError"));
  if (serverSignal.aborted) stop();
  else serverSignal.addEventListener("abort", stop);
  // The socket outlives one request, and with an upgrade also the response.
  const { socket } = req.raw;
  const release = () => {
    serverSignal.removeEventListener("abort", stop);
    socket.off("close", gone);
  };
  socket.once("close", () => serverSignal.removeEventListener("abort", stop));
  socket.once("close", gone);
  reply.raw.once("finish", release);
  signals.set(req, controller.signal);
  return controller.signal;
}
