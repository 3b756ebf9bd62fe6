import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { countPassedBytes } from "@slipway/mux";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { installScript } from "./install-script.ts";

/** In the usual pieces of 64 KiB, a hundred megabytes cost the server twice the time. */
const pieceBytes = 512 * 1024;

type BinaryParams = { name: string };

/**
 * The executables under `/bin/`, which init scripts, IDE plugins and `install.sh` download. Public, as in Coder: they
 * hold nothing that is secret.
 */
export function registerBinaryRoutes(app: App, deps: Deps): void {
  app.route<{ Params: BinaryParams }>({
    // HEAD by itself: the framework would read the whole file to leave it out, and say that it is empty.
    method: ["GET", "HEAD"],
    url: "/bin/:name",
    handler: (request, reply) => sendBinary(deps, request, reply),
  });

  app.get("/install.sh", async (_request, reply) =>
    reply
      .type("text/x-shellscript; charset=utf-8")
      .send(installScript(deps.config.accessUrl?.toString() ?? "")),
  );
}

async function sendBinary(
  deps: Deps,
  request: FastifyRequest<{ Params: BinaryParams }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { name } = request.params;
  if (!deps.binaries) throw new ApiError("not_found", "This server has no executables to serve.");
  const gone = new AbortController();
  request.raw.once("close", () => gone.abort());
  const file = await deps.binaries.get(name, AbortSignal.any([gone.signal, deps.signal]));
  if ("notFound" in file)
    throw new ApiError("not_found", `There is no ${name} here.`, { detail: file.notFound });

  const accepted = (request.headers["accept-encoding"] ?? "").toString();
  const encoding =
    file.zstdPath && /\bzstd\b/.test(accepted)
      ? "zstd"
      : file.gzipPath && /\bgzip\b/.test(accepted)
        ? "gzip"
        : null;
  const encoded = encoding === "zstd" ? file.zstdPath : encoding === "gzip" ? file.gzipPath : file.path;
  const path = encoded ?? file.path;
  // One entity per encoding: a cache must not give the compressed one to who cannot read it.
  const etag = `"${file.etag}${encoding ? `-${encoding}` : ""}"`;
  void reply.headers({ ETag: etag, Vary: "Accept-Encoding", "Cache-Control": "no-cache" });
  if (request.headers["if-none-match"]?.split(/\s*,\s*/).includes(etag)) return reply.code(304).send();
  void reply.type("application/octet-stream");
  if (encoding) void reply.header("Content-Encoding", encoding);
  void reply.header("Content-Length", (await stat(path)).size);
  if (request.method === "HEAD") return reply.send();
  return reply.send(Readable.from(piecesOf(path), { objectMode: false }));
}

/** Collected while they are young: a hundred megabytes of buffers make V8 collect the whole heap several times. */
async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) {
    countPassedBytes(piece.length);
    yield piece;
  }
}
