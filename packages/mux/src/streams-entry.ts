/**
 * `@slipway/mux/streams`: what a client of streams needs, without RPC, whose libraries take as long to load as
 * everything else of a short command.
 */
export type { Carrier } from "./carrier.ts";
export { createDelimitedDecoder, encodeDelimited, readDelimited } from "./delimited.ts";
export { dialCarrier, UpgradeRefusal } from "./dial-carrier.ts";
export { MuxError } from "./errors.ts";
export { openResumable, type ResumableHello } from "./resumable/open-resumable.ts";
export { createSession, type Session, type SessionOptions } from "./session.ts";
export { webSocketCarrier } from "./web-socket-carrier.ts";
export { SUBPROTOCOL, tunnelSocketOptions } from "./web-socket-options.ts";
