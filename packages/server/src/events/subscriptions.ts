import type { Logger } from "pino";

export type EventId = string | "*";
export type EventHandler = (id: EventId) => void;

/** Who wants to hear of what. One handler that throws does not keep the others from hearing. */
export function createSubscriptions<Topic extends string>(log: Logger) {
  const byKey = new Map<string, Set<EventHandler>>();
  const keyOf = (topic: Topic, id: EventId) => `${topic} ${id}`;

  function call(handler: EventHandler, id: EventId): void {
    try {
      handler(id);
    } catch (err) {
      log.error({ err, id }, "an event handler failed");
    }
  }

  return {
    add(topic: Topic, id: EventId, handler: EventHandler): () => void {
      const key = keyOf(topic, id);
      const handlers = byKey.get(key) ?? new Set();
      // Wrapped, so that one function subscribed twice counts twice and leaves once.
      const entry: EventHandler = (changed) => handler(changed);
      byKey.set(key, handlers.add(entry));
      return () => {
        handlers.delete(entry);
        if (handlers.size === 0 && byKey.get(key) === handlers) byKey.delete(key);
      };
    },
    dispatch(topic: Topic, id: string): void {
      for (const key of [keyOf(topic, id), keyOf(topic, "*")]) {
        for (const handler of [...(byKey.get(key) ?? [])]) call(handler, id);
      }
    },
    dispatchAll(): void {
      for (const handlers of [...byKey.values()]) {
        for (const handler of [...handlers]) call(handler, "*");
      }
    },
  };
}
