import type { Carrier, CarrierHandlers } from "./carrier.ts";

/**
 * Two carriers joined in memory, for peers in one process and for tests. Delivery is asynchronous and waits
 * for the receiver's `start`, as with a socket.
 */
export function memoryCarrierPair(): [Carrier, Carrier] {
  const left = createEnd();
  const right = createEnd();
  left.connect(right);
  right.connect(left);
  return [left.carrier, right.carrier];
}

type Item = { message: Uint8Array; sent: ((err?: Error) => void) | undefined };
type End = {
  carrier: Carrier;
  connect(other: End): void;
  readonly inboxBytes: number;
  accept(item: Item): void;
  endAfterInbox(): void;
  drop(cause: Error): void;
};
/** How many messages are handed over before other work of the process gets a turn. */
const messagesPerTurn = 64;

function createEnd(): End {
  let peer: End;
  let handlers: CarrierHandlers | undefined;
  let inbox: Item[] = [];
  let inboxBytes = 0;
  // `ending`: the peer has closed, and what it sent before is still to be delivered.
  let state: "open" | "ending" | "closed" = "open";
  let scheduled = false;

  function schedule(): void {
    if (scheduled || handlers === undefined || state === "closed") return;
    scheduled = true;
    setImmediate(deliver);
  }

  function deliver(): void {
    scheduled = false;
    const batch = inbox.splice(0, messagesPerTurn);
    for (const { message, sent } of batch) {
      if (state === "closed") return;
      inboxBytes -= message.length;
      sent?.();
      handlers?.message(message);
    }
    if (inbox.length > 0) schedule();
    else if (state === "ending") closeWith(undefined);
  }

  function closeWith(cause: Error | undefined): void {
    if (state === "closed") return;
    state = "closed";
    for (const { sent } of inbox) sent?.(new Error("The peer is gone."));
    inbox = [];
    inboxBytes = 0;
    handlers?.close(cause);
  }

  const end: End = {
    connect(other) {
      peer = other;
    },
    get inboxBytes() {
      return inboxBytes;
    },
    accept(item) {
      if (state !== "open") {
        setImmediate(() => item.sent?.(new Error("The peer is gone.")));
        return;
      }
      inbox.push(item);
      inboxBytes += item.message.length;
      schedule();
    },
    endAfterInbox() {
      if (state !== "open") return;
      state = "ending";
      schedule();
    },
    drop(cause) {
      setImmediate(() => closeWith(cause));
    },
    carrier: {
      send(message, sent) {
        if (state === "closed") setImmediate(() => sent?.(new Error("The carrier is closed.")));
        else peer.accept({ message, sent });
      },
      get bufferedAmount() {
        return peer.inboxBytes;
      },
      start(given) {
        handlers = given;
        schedule();
      },
      close() {
        peer.endAfterInbox();
        end.endAfterInbox();
      },
      terminate() {
        peer.drop(new Error("The peer terminated the connection."));
        end.drop(new Error("The connection was terminated."));
      },
    },
  };
  return end;
}
