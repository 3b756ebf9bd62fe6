/**
 * What a session runs on: whole binary messages, in order, none lost.
 *
 * A carrier delivers nothing before `start`, and nothing synchronously inside `start`, so that whoever
 * makes the session has finished wiring it when the first message arrives.
 */
export type Carrier = {
  /** `sent` is called when the message has left this process (or failed to). */
  send(message: Uint8Array, sent?: (err?: Error) => void): void;
  /** Bytes accepted by `send` that have not left yet. */
  readonly bufferedAmount: number;
  start(handlers: CarrierHandlers): void;
  /** Ends in order: what was sent before still arrives. */
  close(reason?: string): void;
  /** Ends at once, without waiting for the other side. */
  terminate(): void;
};

export type CarrierHandlers = {
  /** The message now belongs to the receiver, which may write to it. */
  message(message: Uint8Array): void;
  /** Called once. `cause` is undefined when the other side closed in order. */
  close(cause: Error | undefined): void;
};
