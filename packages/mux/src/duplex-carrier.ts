import { type Duplex, finished } from "node:stream";
import type { Carrier } from "./carrier.ts";
import { MuxError } from "./errors.ts";
import { maxMessageBytes } from "./frame.ts";

const headerBytes = 4;

/** A carrier over any Duplex: each message is preceded by its length (u32, big endian). */
export function duplexCarrier(duplex: Duplex): Carrier {
  let isClosed = false;
  let failure: Error | undefined;
  const fail = (err: Error) => {
    failure ??= err;
    duplex.destroy();
  };
  // Without a listener an error before `start` would end the process; `finished` reports it again.
  duplex.on("error", (err) => {
    failure ??= err;
  });

  return {
    send(message, sent) {
      const header = Buffer.allocUnsafe(headerBytes);
      header.writeUInt32BE(message.length);
      duplex.cork();
      duplex.write(header);
      duplex.write(message, (err) => sent?.(err ?? undefined));
      duplex.uncork();
    },
    get bufferedAmount() {
      return duplex.writableLength;
    },
    start(handlers) {
      const parser = createMessageParser((message) => {
        if (!isClosed) handlers.message(message);
      });
      process.nextTick(() => {
        finished(duplex, { writable: false }, (err) => {
          if (isClosed) return;
          isClosed = true;
          failure ??=
            err ?? (parser.isBetweenMessages() ? undefined : new Error("The stream ended inside a message."));
          handlers.close(failure);
          duplex.end();
        });
        duplex.on("data", (chunk: Buffer) => {
          try {
            parser.push(chunk);
          } catch (err) {
            fail(err instanceof Error ? err : new Error(String(err)));
          }
        });
      });
    },
    close() {
      duplex.end();
      // The other end answers with its own end; what it still sends is of no interest.
      duplex.resume();
    },
    terminate() {
      duplex.destroy();
    },
  };
}

function createMessageParser(onMessage: (message: Uint8Array) => void) {
  let rest: Buffer | undefined;
  return {
    push(chunk: Buffer): void {
      let buffer = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
      rest = undefined;
      while (buffer.length >= headerBytes) {
        const size = buffer.readUInt32BE(0);
        if (size > maxMessageBytes) {
          throw new MuxError("protocol_error", `A message of ${size} bytes exceeds ${maxMessageBytes}.`);
        }
        if (buffer.length < headerBytes + size) break;
        const message = buffer.subarray(headerBytes, headerBytes + size);
        buffer = buffer.subarray(headerBytes + size);
        onMessage(message);
      }
      if (buffer.length > 0) rest = buffer;
    },
    isBetweenMessages: () => rest === undefined,
  };
}
