import type { Duplex } from "node:stream";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { createDelimitedDecoder, encodeDelimited } from "@slipway/mux";
import { type ExecFrame, ExecFrameSchema } from "@slipway/proto/tunnel";
import { closedOf, drained } from "../streams/drained.ts";

const MAX_FRAME_BYTES = 1024 * 1024;

type FrameInit = NonNullable<MessageInitShape<typeof ExecFrameSchema>["frame"]>;

/** `ExecFrame`s in both directions over one stream. */
export type ExecChannel = {
  /** False when the other end is slow: wait for `drained` before sending more of the same. */
  send(frame: FrameInit): boolean;
  drained(): Promise<void>;
  pause(): void;
  resume(): void;
  end(): void;
  /** Resolves when no frame will come or go any more. */
  closed: Promise<void>;
};

export function createExecChannel(
  stream: Duplex,
  handlers: { frame(frame: ExecFrame["frame"]): void; end(): void },
): ExecChannel {
  const decode = createDelimitedDecoder(MAX_FRAME_BYTES);
  stream.on("error", () => {});
  stream.on("data", (chunk: Buffer) => {
    try {
      for (const message of decode(chunk)) handlers.frame(fromBinary(ExecFrameSchema, message).frame);
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
  stream.once("end", handlers.end);
  return {
    closed: closedOf(stream),
    send(frame) {
      if (stream.writableEnded || stream.destroyed) return true;
      return stream.write(encodeDelimited(toBinary(ExecFrameSchema, create(ExecFrameSchema, { frame }))));
    },
    drained: () => drained(stream),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    end: () => {
      stream.end();
      // The client has nothing more to say that anybody would read.
      stream.resume();
    },
  };
}
