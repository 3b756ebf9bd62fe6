import type { Carrier, CarrierHandlers } from "@slipway/mux";

/** A daemon's way to its server, which loses what it is told to lose. */
export type FaultyLink = {
  carrier: Carrier;
  /** From now on nothing of the one, the other or both arrives, and neither side is told so. */
  lose(what: { sent: boolean; received: boolean }): void;
  /** Ends the connection; words that were lost in the middle of one never come. */
  end(): void;
};

export function faultyLink(inner: Carrier, onEnd: () => void): FaultyLink {
  const lost = { sent: false, received: false };
  let handlers: CarrierHandlers | undefined;
  let isOver = false;
  const finish = (cause: Error | undefined) => {
    if (isOver) return;
    isOver = true;
    handlers?.close(cause);
  };
  // The other side hears of an end only when words get through.
  const endWith = (tell: () => void) => {
    if (!lost.sent) tell();
    else setImmediate(() => finish(undefined));
  };
  return {
    carrier: {
      send(message, sent) {
        if (lost.sent) setImmediate(() => sent?.());
        else inner.send(message, sent);
      },
      get bufferedAmount() {
        return inner.bufferedAmount;
      },
      start(given) {
        handlers = given;
        inner.start({
          message(message) {
            if (!lost.received && !isOver) given.message(message);
          },
          close(cause) {
            onEnd();
            finish(cause);
          },
        });
      },
      close: (reason) => endWith(() => inner.close(reason)),
      terminate: () => endWith(() => inner.terminate()),
    },
    lose(what) {
      lost.sent ||= what.sent;
      lost.received ||= what.received;
    },
    end() {
      onEnd();
      inner.terminate();
    },
  };
}
