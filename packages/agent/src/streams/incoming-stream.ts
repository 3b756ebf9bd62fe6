import type { Duplex } from "node:stream";
import { create, toBinary } from "@bufbuild/protobuf";
import { encodeDelimited } from "@slipway/mux";
import { StreamAcceptSchema, type StreamOpen } from "@slipway/proto/tunnel";

export type RefusalCode = "not_found" | "forbidden" | "refused" | "unknown_key" | "unsupported";

/** A stream that the server has relayed to us, not yet answered. */
export type IncomingStream = {
  open: StreamOpen;
  /** Tells the other end that its target is there; what follows are the target's bytes. */
  accept(): Duplex;
  refuse(code: RefusalCode, message: string): void;
};

export function acceptance(): Buffer {
  return encodeDelimited(toBinary(StreamAcceptSchema, create(StreamAcceptSchema, { ok: true })));
}

export function refusal(errorCode: RefusalCode, error: string): Buffer {
  return encodeDelimited(toBinary(StreamAcceptSchema, create(StreamAcceptSchema, { errorCode, error })));
}
