import type { Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { MuxError } from "./errors.ts";
import { relay } from "./relay.ts";
import { noMeta, sessionPair, streamInbox } from "./testing/session-pair.ts";

/** client ═ relay ═ agent, as in the server: both dialled, the relay accepted both. */
async function relayed(options: { signal?: AbortSignal } = {}) {
  const limits = { maxWindowBytes: 256 * 1024 };
  const client = sessionPair({ limits });
  const inbox = streamInbox();
  const agent = sessionPair({ limits, onStream: inbox.onStream });
  const near = client.dialer.open(noMeta);
  const joined = relay(await client.nextStream(), agent.acceptor.open(noMeta), options);
  const far = await inbox.next();
  return { client, agent, near, far, ...joined };
}

const closed = (stream: Duplex) =>
  stream.closed ? Promise.resolve() : new Promise<void>((resolve) => stream.once("close", resolve));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("relay", () => {
  test("passes bytes and half closes, and counts", async () => {
    const { near, far, done } = await relayed();
    near.end("question");
    expect(await text(far)).toBe("question");
    far.end("a longer answer");
    expect(await text(near)).toBe("a longer answer");
    expect(await done).toEqual({ aToB: 8, bToA: 15 });
  });

  test("passes a reset with its code and text, both ways", async () => {
    for (const direction of ["near", "far"] as const) {
      const joined = await relayed();
      const [from, to] = direction === "near" ? [joined.near, joined.far] : [joined.far, joined.near];
      from.reset("forbidden", "Access withdrawn.");
      await closed(to);
      expect(to.errored).toMatchObject({ reset: "forbidden", message: "Access withdrawn." });
      expect((await joined.done).cause).toMatchObject({ reset: "forbidden" });
    }
  });

  test("what was sent before the sender closed still arrives", async () => {
    const { near, far, done } = await relayed();
    const data = Buffer.alloc(1024 * 1024, 7);
    far.end(data, () => far.destroy());
    expect((await buffer(near)).length).toBe(data.length);
    await closed(near);
    await done;
  });

  test("a lost agent closes the client's stream and leaves its session alone", async () => {
    const { agent, client, near, done } = await relayed();
    agent.carriers[0].terminate();
    await closed(near);
    expect(near.errored).toMatchObject({ code: "stream_reset", reset: "unavailable" });
    expect((await done).cause).toMatchObject({ code: "connection_lost" });
    await client.dialer.ping();
  });

  test("is cut by call or signal; both ends learn why", async () => {
    const access = new AbortController();
    const byCall = await relayed();
    const bySignal = await relayed({ signal: access.signal });
    const why = new MuxError("stream_reset", "The share expired.", { reset: "forbidden" });
    byCall.cut(why);
    access.abort(why);
    for (const { near, far, done } of [byCall, bySignal]) {
      await Promise.all([closed(near), closed(far)]);
      expect(near.errored?.message).toBe("The share expired.");
      expect(far.errored?.message).toBe("The share expired.");
      expect((await done).cause).toBe(why);
    }
  });

  test("one chunk may be passed on to several streams", async () => {
    // Frames are made in place around received payloads; the second one must not spoil the first.
    const from = sessionPair();
    const to = sessionPair();
    const source = from.dialer.open(noMeta);
    const inner = await from.nextStream();
    const copies = [to.dialer.open(noMeta), to.dialer.open(noMeta)];
    inner.on("data", (chunk: Buffer) => {
      for (const copy of copies) copy.write(chunk);
    });
    inner.on("end", () => {
      for (const copy of copies) copy.end();
    });
    const data = Buffer.alloc(400_000);
    for (let i = 0; i < data.length; i++) data[i] = (i * 2654435761) >>> 24;
    source.end(data);
    const received = await Promise.all([to.nextStream().then(buffer), to.nextStream().then(buffer)]);
    for (const copy of received) expect(Buffer.compare(copy, data)).toBe(0);
  });

  test("joining a stream that is gone already ends the other", async () => {
    const client = sessionPair();
    const agent = sessionPair({ onStream: () => {} });
    const near = client.dialer.open(noMeta);
    const inner = await client.nextStream();
    inner.destroy();
    const { done } = relay(inner, agent.acceptor.open(noMeta));
    expect((await done).cause).toMatchObject({ code: "stream_gone" });
    await closed(near);
  });

  test("a reader that stops, stops the writer at the other end: the relay holds a window, no more", async () => {
    const { near, client } = await relayed();
    let accepted = 0;
    const chunk = Buffer.alloc(32 * 1024);
    const write = () => {
      while (near.write(chunk, () => (accepted += chunk.length)));
    };
    near.on("drain", write);
    write();
    let last = -1;
    for (let same = 0; same < 30; same++) {
      await turn();
      if (accepted !== last) same = 0;
      last = accepted;
    }
    // One window at the agent, one in the relay, and Node's buffer between the two.
    expect(accepted).toBeLessThanOrEqual(2 * 256 * 1024 + 128 * 1024);
    await client.dialer.ping();
    near.destroy();
  });
});
