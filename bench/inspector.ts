import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";

export type Memory = { rss: number; heapUsed: number; external: number };

/** Starts a Node program so that `connectInspector` finds it in what it prints. */
export const inspectorEnv = { NODE_OPTIONS: "--inspect=127.0.0.1:0" };

/** Node's own debugging interface of another process: to collect its garbage before its memory is read. */
export async function connectInspector(log: string) {
  const [url] = /ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+/.exec(log) ?? [];
  if (url === undefined) throw new Error(`The program printed no address of its inspector:\n${log}`);
  const socket = new WebSocket(url);
  await once(socket, "open");
  let lastId = 0;

  async function call(method: string, params: object = {}): Promise<unknown> {
    const id = ++lastId;
    socket.send(JSON.stringify({ id, method, params }));
    for (;;) {
      const [data] = await once(socket, "message");
      const answer = JSON.parse(String(data));
      if (answer.id !== id) continue;
      if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
      return answer.result;
    }
  }

  return {
    /** After collections of garbage, until the system has got back what it gets back. */
    async settledMemory(maxMs: number): Promise<Memory> {
      const endsAt = performance.now() + maxMs;
      let before = Number.POSITIVE_INFINITY;
      for (;;) {
        await call("HeapProfiler.collectGarbage");
        const expression = "process.memoryUsage()";
        // The shape of the protocol's answer to an expression that is returned by value.
        const { result } = (await call("Runtime.evaluate", { expression, returnByValue: true })) as {
          result: { value: Memory };
        };
        const memory = result.value;
        if (memory.rss > before * 0.995 || performance.now() > endsAt) return memory;
        before = memory.rss;
        await delay(maxMs / 10);
      }
    },
    close: () => socket.close(),
  };
}
