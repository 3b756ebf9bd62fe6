import type { Duplex } from "node:stream";
import { createDelimitedDecoder } from "@slipway/mux";
import { errorText, type Log } from "../../log/log.ts";
import { extensions } from "./extensions.ts";
import { createHandles } from "./handles.ts";
import { createLongName } from "./long-name.ts";
import { operations } from "./operations.ts";
import { createRequestQueue, type RequestClass } from "./request-queue.ts";
import { SftpError, statusCode, statusPacket, toStatus } from "./status.ts";
import { field, MAX_PACKET_BYTES, packet, packetType, readFields, u32, VERSION } from "./wire.ts";

/** Unanswered requests of a client; beyond it we stop reading. Each holds at most one packet. */
const MAX_QUEUED = 128;

export type SftpOptions = {
  input: Duplex;
  /** Resolves when the client can take more. */
  write: (packet: Buffer) => Promise<void>;
  home: string;
  closed: Promise<void>;
  log: Log;
};

/** Serves files over one channel until the client ends it. No program of the workspace image is needed. */
export async function serveSftp(options: SftpOptions): Promise<void> {
  const { input, write, home, log } = options;
  const handles = createHandles();
  const longName = createLongName();
  const decode = createDelimitedDecoder(MAX_PACKET_BYTES + 1024);
  const queue = createRequestQueue(() => {
    if (queue.size < MAX_QUEUED / 2) input.resume();
  });
  // The order of writes to a file counts where they overlap, and for files that only grow.
  let writeHandle = "";
  let writtenTo = 0n;

  const classOf = (request: Buffer): RequestClass => {
    if (request[0] === packetType.read) return "read";
    if (request[0] !== packetType.write) return "exclusive";
    const fields = readFields(request, 5);
    const id = fields.bytes();
    const offset = fields.u64();
    const inOrder = id.toString("hex") !== writeHandle || offset >= writtenTo;
    writeHandle = id.toString("hex");
    writtenTo = offset + BigInt(fields.u32());
    return inOrder && !handles.file(id).append ? "write" : "exclusive";
  };
  // Answers leave in the order of their requests, as OpenSSH's server sends them: scp takes any other order for an
  // incomplete transfer and cuts the file where the order broke.
  let lastAnswer: Promise<void> = Promise.resolve();
  const enqueue = (kind: RequestClass, request: Buffer) => {
    const before = lastAnswer;
    const { promise, resolve } = Promise.withResolvers<void>();
    lastAnswer = promise;
    queue.add(kind, () => answer(request, before).finally(resolve));
  };
  const answer = async (request: Buffer, before: Promise<void>) => {
    const id = request.readUInt32BE(1);
    let response: Buffer;
    try {
      const operation = operations.get(request[0] ?? 0);
      if (operation === undefined) throw new SftpError(statusCode.unsupported, "Operation unsupported");
      const result = await operation(readFields(request, 5), { id, home, handles, longName });
      response = result ?? statusPacket(id, statusCode.ok, "Success");
    } catch (error) {
      const { status, message } = toStatus(error);
      response = statusPacket(id, status, message);
    }
    await before;
    await write(response);
  };
  const take = (request: Buffer) => {
    if (request[0] === packetType.init) {
      const offered = [...extensions].flatMap(([name, { version }]) => [field(name), field(version)]);
      void write(packet(packetType.version, u32(VERSION), ...offered));
      return;
    }
    if (request.byteLength < 5) throw new RangeError("A request without an id.");
    enqueue(classOrExclusive(classOf, request), request);
    if (queue.size >= MAX_QUEUED) input.pause();
  };

  input.on("data", (chunk: Buffer) => {
    try {
      for (const message of decode(chunk))
        take(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
    } catch (error) {
      // What follows cannot be told apart any more.
      log.debug({ error: errorText(error) }, "sftp: malformed packet");
      input.pause();
      input.destroy();
    }
  });
  await Promise.race([new Promise<void>((resolve) => input.once("end", resolve)), options.closed]);
  await queue.idle();
  await handles.closeAll();
}

/** A request that cannot be read gets its answer in its turn. */
function classOrExclusive(classOf: (request: Buffer) => RequestClass, request: Buffer): RequestClass {
  try {
    return classOf(request);
  } catch {
    return "exclusive";
  }
}
