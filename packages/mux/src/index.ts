export type { Carrier, CarrierHandlers } from "./carrier.ts";
export { countPassedBytes } from "./collect-young.ts";
export { createDelimitedDecoder, encodeDelimited, readDelimited } from "./delimited.ts";
export { type DialCarrierOptions, dialCarrier, UpgradeRefusal, webSocketUrl } from "./dial-carrier.ts";
export { duplexCarrier } from "./duplex-carrier.ts";
export { MuxError, type MuxErrorCode, type ResetCode } from "./errors.ts";
export { maxMessageBytes, maxMetaBytes } from "./frame.ts";
export { defaultLimits, type Rate, type SessionLimits } from "./limits.ts";
export { memoryCarrierPair } from "./memory-carrier.ts";
export { type Relay, relay } from "./relay.ts";
export {
  jitteredBackoffMs,
  type OpenResumableOptions,
  openResumable,
  type ResumableHello,
} from "./resumable/open-resumable.ts";
export {
  createResumableHost,
  type ResumableHost,
  type ResumableHostOptions,
} from "./resumable/resumable-host.ts";
export {
  createRpcHandlers,
  type RpcHandlers,
  type RpcHandlersOptions,
  type ServeRpcOptions,
  serveRpc,
} from "./rpc/serve.ts";
export { createMuxTransport, type MuxTransportOptions } from "./rpc/transport.ts";
export { createSession, type MuxLog, type Session, type SessionOptions } from "./session.ts";
export { MuxStream } from "./stream.ts";
export { webSocketCarrier } from "./web-socket-carrier.ts";
export { SUBPROTOCOL, tunnelServerOptions, tunnelSocketOptions, ZERO_MASK } from "./web-socket-options.ts";
export { createWindowBudget, type WindowBudget } from "./window-budget.ts";
