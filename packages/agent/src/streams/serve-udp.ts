import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { errorText } from "../log/log.ts";
import { closedOf } from "./drained.ts";
import type { IncomingStream } from "./incoming-stream.ts";

const HEADER_BYTES = 2;
const MAX_DATAGRAM_BYTES = 65_507;

/** Datagrams behind their length as u16, one flow per stream. What the network would drop, we drop. */
export async function serveUdp(incoming: IncomingStream, host: string, port: number): Promise<void> {
  let socket: Socket;
  try {
    socket = await connectUdp(host || "127.0.0.1", port);
  } catch (error) {
    incoming.refuse("refused", `UDP port ${port} cannot be reached: ${errorText(error)}`);
    return;
  }
  const stream = incoming.accept();
  socket.on("error", () => {
    // ECONNREFUSED of an earlier datagram: nobody listens now, and somebody may soon.
  });
  socket.on("message", (message) => {
    // A client that does not read loses datagrams, not our memory.
    if (!stream.writableNeedDrain && !stream.writableEnded) stream.write(frameDatagram(message));
  });
  let pending: Buffer = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    pending = pending.byteLength === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.byteLength >= HEADER_BYTES) {
      const length = pending.readUInt16BE(0);
      if (pending.byteLength < HEADER_BYTES + length) break;
      if (length <= MAX_DATAGRAM_BYTES)
        socket.send(pending.subarray(HEADER_BYTES, HEADER_BYTES + length), () => {});
      pending = pending.subarray(HEADER_BYTES + length);
    }
  });
  stream.on("error", () => {});
  stream.once("end", () => stream.end());
  await closedOf(stream);
  socket.close();
}

export function frameDatagram(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(HEADER_BYTES + message.byteLength);
  framed.writeUInt16BE(message.byteLength, 0);
  framed.set(message, HEADER_BYTES);
  return framed;
}

async function connectUdp(host: string, port: number): Promise<Socket> {
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.connect(port, address, () => {
        socket.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket;
}
