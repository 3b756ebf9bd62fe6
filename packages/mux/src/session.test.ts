import { once } from "node:events";
import { type Duplex, duplexPair } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Carrier } from "./carrier.ts";
import { duplexCarrier } from "./duplex-carrier.ts";
import { allocateFrame, frameType, maxDataBytes, openFrame, u32Frame } from "./frame.ts";
import { memoryCarrierPair } from "./memory-carrier.ts";
import { createSession } from "./session.ts";
import { noMeta, sessionPair, streamInbox, webSocketPair } from "./testing/session-pair.ts";
import { createWindowBudget } from "./window-budget.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

const closed = (stream: Duplex) =>
  stream.closed ? Promise.resolve() : new Promise<void>((resolve) => stream.once("close", resolve));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
/** Until nothing has changed for some turns: for "no more than", where there is no event to wait for. */
async function settled(value: () => number): Promise<number> {
  let last = value();
  for (let same = 0; same < 20; same++) {
    await turn();
    if (value() !== last) same = 0;
    last = value();
  }
  return last;
}

describe("streams", () => {
  test("carry meta, bytes both ways, and a half close each", async () => {
    const { dialer, nextStream } = sessionPair();
    const near = dialer.open(Buffer.from("to the shell"), { priority: true });
    const far = await nextStream();
    expect(Buffer.from(far.meta).toString()).toBe("to the shell");
    expect(far.priority).toBe(true);

    near.end("question");
    expect(await text(far)).toBe("question");
    // The other half is still open after the first has ended.
    far.write("ans");
    far.end("wer");
    expect(await text(near)).toBe("answer");
    await Promise.all([closed(near), closed(far)]);
    expect(near.errored).toBeNull();
    expect(far.errored).toBeNull();
    expect(dialer.openStreams).toBe(0);
  });

  test("may be opened by either end, with ids that never meet", async () => {
    const opened: number[] = [];
    const inbox = streamInbox();
    const { dialer, acceptor } = sessionPair({ onStream: inbox.onStream });
    for (let i = 0; i < 3; i++) opened.push(dialer.open(noMeta).id, acceptor.open(noMeta).id);
    expect(opened).toEqual([1, 2, 3, 4, 5, 6]);
    for (let i = 0; i < 6; i++) await inbox.next();
    expect(dialer.openStreams).toBe(6);
    expect(acceptor.openStreams).toBe(6);
  });

  test.each(["memory", "WebSocket", "duplex"])("move megabytes unharmed over a %s carrier", async (kind) => {
    const inbox = streamInbox();
    let pair: { dialer: ReturnType<typeof createSession>; close?: () => Promise<void> };
    if (kind === "memory") pair = sessionPair({ onStream: inbox.onStream });
    else if (kind === "WebSocket") pair = await webSocketPair({ onStream: inbox.onStream });
    else {
      const [left, right] = duplexPair();
      createSession(duplexCarrier(right), { role: "acceptor", onStream: inbox.onStream });
      pair = { dialer: createSession(duplexCarrier(left), { role: "dialer" }) };
    }
    const data = Buffer.allocUnsafe(5 * MiB + 7);
    for (let i = 0; i < data.length; i++) data[i] = (i * 2654435761) >>> 24;
    const near = pair.dialer.open(noMeta);
    const echoing = inbox.next().then((far) => far.pipe(far));
    near.end(data);
    expect(Buffer.compare(await buffer(near), data)).toBe(0);
    await echoing;
    await pair.close?.();
  });

  test("a reset is seen by the other end with its code and text", async () => {
    const { dialer, nextStream } = sessionPair();
    const near = dialer.open(noMeta);
    const far = await nextStream();
    far.reset("forbidden", "Your access to this workspace was withdrawn.");
    await closed(near);
    expect(near.errored).toMatchObject({
      code: "stream_reset",
      reset: "forbidden",
      message: "Your access to this workspace was withdrawn.",
    });
  });

  test("the text of a foreign error stays at home", async () => {
    const { dialer, nextStream } = sessionPair();
    const near = dialer.open(noMeta);
    (await nextStream()).destroy(new Error("password=hunter2"));
    await closed(near);
    expect(near.errored).toMatchObject({ reset: "internal" });
    expect(near.errored?.message).not.toContain("hunter2");
  });

  test("what was sent in order is readable although the sender then reset the stream", async () => {
    const { dialer, nextStream } = sessionPair();
    const near = dialer.open(noMeta);
    const far = await nextStream();
    far.end("the whole answer", () => far.reset("canceled"));
    await closed(far);
    await turn();
    near.write("a request that nobody reads");
    const chunks: Buffer[] = [];
    near.on("data", (chunk) => chunks.push(chunk));
    await closed(near);
    expect(Buffer.concat(chunks).toString()).toBe("the whole answer");
  });

  test("20,000 resets leave a neighbour unharmed", async () => {
    const inbox = streamInbox();
    const { dialer, acceptor } = sessionPair({ onStream: inbox.onStream });
    const neighbour = dialer.open(noMeta);
    const far = await inbox.next();
    far.pipe(far);
    for (let i = 0; i < 20_000; i++) {
      const stream = dialer.open(noMeta);
      stream.write("x");
      stream.reset("canceled");
      if (i % 1000 === 0) await turn();
    }
    neighbour.end("still alive");
    expect(await text(neighbour)).toBe("still alive");
    await until(() => dialer.openStreams + acceptor.openStreams === 0);
    expect(dialer.isClosed).toBe(false);
  });
});

describe("credit", () => {
  test("a stalled reader stops its writer at a window, and nobody else", async () => {
    const budget = createWindowBudget(64 * MiB);
    const { dialer, nextStream } = sessionPair({ acceptorOptions: { windowBudget: budget } });
    const stalled = dialer.open(noMeta);
    const far = await nextStream();
    let accepted = 0;
    const chunk = Buffer.alloc(16 * KiB);
    const write = () => {
      while (stalled.write(chunk, () => (accepted += chunk.length)));
    };
    stalled.on("drain", write);
    write();
    // Writes that have left are at most the window; Node's own buffer is on top, at the sender.
    expect(await settled(() => accepted)).toBeLessThanOrEqual(256 * KiB);
    expect(accepted).toBeGreaterThan(200 * KiB);
    expect(budget.usedBytes).toBeLessThanOrEqual(256 * KiB);

    const other = dialer.open(noMeta);
    (await nextStream()).end("passes by");
    expect(await text(other)).toBe("passes by");

    stalled.destroy();
    await closed(far);
    expect(budget.usedBytes).toBe(0);
  });

  test("single bytes to a stalled reader do not cost an object each", async () => {
    const { dialer, nextStream } = sessionPair();
    const near = dialer.open(noMeta);
    const far = await nextStream();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 8000; i++) {
      near.write(Buffer.from([i & 0xff]));
      if (i % 100 === 0) await turn();
    }
    await settled(() => dialer.bytesSent);
    // The first 64 KiB may lie in Node's buffer as they came; credit ends the rest.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * MiB);
    near.end();
    expect((await buffer(far)).length).toBe(8000);
  });

  test("the window grows while it is what limits the sender, within the budget", async () => {
    let now = 0;
    const budget = createWindowBudget(16 * MiB);
    const pair = sessionPair({ nowMs: () => now, acceptorOptions: { windowBudget: budget } });
    const timer = setInterval(() => (now += 1), 1);
    // A round trip of 40 ms on a clock that hardly moves while the bytes flow.
    const pinging = pair.acceptor.ping();
    now += 40;
    await pinging;
    clearInterval(timer);
    const near = pair.dialer.open(noMeta);
    const far = await pair.nextStream();
    far.resume();
    for (let i = 0; i < 40; i++) if (!near.write(Buffer.alloc(1 * MiB))) await once(near, "drain");
    expect(budget.usedBytes).toBeGreaterThan(4 * MiB);
    expect(budget.usedBytes).toBeLessThanOrEqual(8 * MiB);
    near.destroy();
    await closed(far);
    expect(budget.usedBytes).toBe(0);
  });

  test("many slow readers stay within the session's and the server's budget", async () => {
    const budget = createWindowBudget(2 * MiB);
    const { dialer, nextStream } = sessionPair({ acceptorOptions: { windowBudget: budget } });
    let accepted = 0;
    for (let i = 0; i < 100; i++) {
      const stream = dialer.open(noMeta);
      await nextStream();
      for (let k = 0; k < 16; k++) stream.write(Buffer.alloc(32 * KiB), () => (accepted += 32 * KiB));
    }
    await settled(() => dialer.bytesSent);
    expect(budget.usedBytes).toBeLessThanOrEqual(2 * MiB);
    // First credits (8 KiB a stream) need no budget.
    expect(dialer.bytesSent).toBeLessThan(2 * MiB + 100 * 8 * KiB + 100 * KiB);
  });
});

describe("fairness", () => {
  test("bulk streams share in turns, priority streams go first until they are bulk themselves", async () => {
    const [left, right] = memoryCarrierPair();
    const order: { id: number; bytes: number }[] = [];
    const watched: Carrier = {
      ...right,
      start: (handlers) =>
        right.start({
          ...handlers,
          message(frame) {
            if (frame[0] === frameType.data) order.push({ id: frame[4] ?? 0, bytes: frame.length - 5 });
            handlers.message(frame);
          },
        }),
    };
    const inbox = streamInbox();
    // Credit for all of it, so that only turns decide.
    createSession(watched, {
      role: "acceptor",
      limits: { initialWindowBytes: 8 * MiB },
      onStream(stream) {
        stream.resume();
        inbox.onStream(stream);
      },
    });
    const dialer = createSession(left, { role: "dialer" });
    const bulk1 = dialer.open(noMeta);
    const bulk2 = dialer.open(noMeta);
    const urgent = dialer.open(noMeta, { priority: true });
    for (const stream of [bulk1, bulk2, urgent]) stream.write(Buffer.alloc(8 * KiB));
    for (let i = 0; i < 3; i++) await inbox.next();
    await dialer.ping();
    for (const stream of [bulk1, bulk2, urgent]) stream.end(Buffer.alloc(4 * MiB));
    await Promise.all([bulk1, bulk2, urgent].map((s) => once(s, "finish")));

    /** Bytes of each stream at the moment when the one with priority had sent this many. */
    const sharesAt = (urgentBytes: number) => {
      const sent = new Map([bulk1, bulk2, urgent].map(({ id }) => [id, -8 * KiB]));
      for (const { id, bytes } of order) {
        if ((sent.get(urgent.id) ?? 0) >= urgentBytes) break;
        sent.set(id, (sent.get(id) ?? 0) + bytes);
      }
      return [bulk1, bulk2, urgent].map(({ id }) => sent.get(id) ?? 0) as [number, number, number];
    };
    const [early1, early2, earlyUrgent] = sharesAt(128 * KiB);
    expect(earlyUrgent).toBeGreaterThanOrEqual(early1 + early2);
    const [late1, late2, lateUrgent] = sharesAt(3 * MiB);
    expect(late1 / late2).toBeGreaterThan(0.8);
    expect(late1 / late2).toBeLessThan(1.25);
    expect(late1 / lateUrgent).toBeGreaterThan(0.8);
  });

  test("a keystroke beside an endless bulk stream waits for about a window of it", async () => {
    const { dialer, nextStream, close } = await webSocketPair({ limits: { maxWindowBytes: 256 * KiB } });
    const bulk = dialer.open(noMeta);
    let received = 0;
    (await nextStream()).on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    const pump = () => {
      while (bulk.write(Buffer.alloc(64 * KiB)));
    };
    bulk.on("drain", pump);
    pump();
    const shell = dialer.open(noMeta, { priority: true });
    const far = await nextStream();
    far.pipe(far);
    const waits: number[] = [];
    for (let i = 0; i < 50; i++) {
      const before = received;
      shell.write("k");
      await once(shell, "data");
      waits.push(received - before);
    }
    bulk.off("drain", pump);
    waits.sort((x, y) => x - y);
    expect(received).toBeGreaterThan(MiB);
    // A window on the way there, and one that came while the echo was on its way back.
    expect(waits[25]).toBeLessThanOrEqual(2 * 256 * KiB);
    await close();
  });
});

describe("the session", () => {
  test("loses nothing that arrives before anybody listens", async () => {
    // The acceptor speaks at once, in the turn of the upgrade; the dialler wires up much later.
    for (let i = 0; i < 20; i++) {
      const inbox = streamInbox();
      const pair = await webSocketPair({ onStream: inbox.onStream });
      const stream = pair.acceptor.open(Buffer.from("hello"));
      stream.end("first words");
      expect(await text(await inbox.next())).toBe("first words");
      await pair.close();
    }
  });

  test("measures its round trip", async () => {
    const { dialer, acceptor } = sessionPair();
    expect(await dialer.ping()).toBeGreaterThanOrEqual(0);
    expect(dialer.rttMs).toBeDefined();
    await acceptor.ping();
    const controller = new AbortController();
    const pinging = dialer.ping(controller.signal);
    controller.abort(new Error("enough"));
    await expect(pinging).rejects.toThrow("enough");
  });

  test("finds a frozen peer dead and ends its streams", async () => {
    const { dialer, sockets, close } = await webSocketPair({
      keepaliveMs: 20,
      acceptorOptions: { keepaliveMs: 60_000 },
    });
    const stream = dialer.open(noMeta);
    await dialer.ping();
    sockets[1].pause();
    expect(await dialer.closed).toMatchObject({ code: "keepalive_timeout" });
    await closed(stream);
    expect(stream.errored).toMatchObject({ code: "keepalive_timeout" });
    await close();
  });

  test("stays alive while the peer answers pings, however idle", async () => {
    const { dialer } = sessionPair({ keepaliveMs: 1 });
    let isClosed = false;
    void dialer.closed.then(() => {
      isClosed = true;
    });
    const before = dialer.bytesReceived;
    await until(() => dialer.bytesReceived > before + 20 * 9);
    expect(isClosed).toBe(false);
    dialer.close();
  });

  test("goAway refuses new streams, lets the open ones end, and then closes", async () => {
    const reasons: string[] = [];
    const inbox = streamInbox();
    const { dialer, acceptor } = sessionPair({
      onStream: inbox.onStream,
      onGoAway: (reason) => reasons.push(reason),
    });
    const stream = dialer.open(noMeta);
    const far = await inbox.next();
    acceptor.goAway("The server restarts.");
    const late = dialer.open(noMeta);
    await closed(late);
    expect(late.errored).toMatchObject({ reset: "refused" });
    expect(reasons).toEqual(["The server restarts."]);
    expect(() => dialer.open(noMeta)).toThrow("The server restarts.");

    stream.end("last words");
    far.end("farewell");
    expect(await text(far)).toBe("last words");
    expect(await text(stream)).toBe("farewell");
    expect(await acceptor.closed).toBeUndefined();
    expect(await dialer.closed).toBeUndefined();
  });

  test("a lost connection fails streams, pings and later opens with its code", async () => {
    const { dialer, acceptor, carriers, nextStream } = sessionPair();
    const stream = dialer.open(noMeta);
    await nextStream();
    const pinging = dialer.ping();
    carriers[1].terminate();
    await expect(pinging).rejects.toMatchObject({ code: "connection_lost" });
    expect(await dialer.closed).toMatchObject({ code: "connection_lost" });
    expect(await acceptor.closed).toMatchObject({ code: "connection_lost" });
    await closed(stream);
    expect(stream.errored).toMatchObject({ code: "connection_lost" });
    expect(() => dialer.open(noMeta)).toThrow(expect.objectContaining({ code: "session_closed" }));
  });

  test("a handler that throws loses its stream only", async () => {
    const { dialer } = sessionPair({
      onStream: () => {
        throw new Error("bug");
      },
    });
    const stream = dialer.open(noMeta);
    await closed(stream);
    expect(stream.errored).toMatchObject({ reset: "internal" });
    await dialer.ping();
  });
});

describe("a peer that breaks the rules", () => {
  /** A session facing raw frames. */
  function facing(options: Parameters<typeof createSession>[1] = { role: "acceptor" }) {
    const [raw, carrier] = memoryCarrierPair();
    const session = createSession(carrier, { onStream: (s) => s.on("data", () => {}), ...options });
    const received: Uint8Array[] = [];
    raw.start({ message: (m) => received.push(m), close: () => {} });
    return { raw, session, received };
  }

  const violations: [string, () => Uint8Array[], string][] = [
    ["a short frame", () => [Buffer.from([1, 2, 3])], "protocol_error"],
    ["an unknown type", () => [allocateFrame(99, 1, 0)], "protocol_error"],
    ["an id of ours", () => [openFrame(2, noMeta, false)], "protocol_error"],
    ["stream 0", () => [openFrame(0, noMeta, false)], "protocol_error"],
    ["an id twice", () => [openFrame(1, noMeta, false), openFrame(1, noMeta, false)], "protocol_error"],
    ["data for a stream never opened", () => [allocateFrame(frameType.data, 7, 1)], "protocol_error"],
    ["too much meta", () => [openFrame(1, new Uint8Array(4097), false)], "limit_exceeded"],
    [
      "data beyond credit",
      () => [openFrame(1, noMeta, false), allocateFrame(frameType.data, 1, 9 * KiB)],
      "protocol_error",
    ],
    [
      "data after its end",
      () => [
        openFrame(1, noMeta, false),
        allocateFrame(frameType.fin, 1, 0),
        allocateFrame(frameType.data, 1, 1),
      ],
      "protocol_error",
    ],
    [
      "endless credit",
      () => [openFrame(1, noMeta, false), u32Frame(frameType.window, 1, 0xffffffff)],
      "protocol_error",
    ],
    ["an oversized frame", () => [new Uint8Array(maxDataBytes + 6)], "protocol_error"],
  ];
  test.each(violations)("%s ends the session with a clear error", async (_name, frames, code) => {
    const { raw, session } = facing();
    for (const frame of frames()) raw.send(frame);
    const error = await session.closed;
    expect(error).toMatchObject({ name: "MuxError", code });
    expect(error?.message.length).toBeGreaterThan(15);
  });

  test("too many open streams", async () => {
    const { raw, session } = facing({ role: "acceptor", limits: { openStreams: 3 } });
    for (const id of [1, 3, 5]) raw.send(openFrame(id, noMeta, false));
    await until(() => session.openStreams === 3);
    raw.send(openFrame(7, noMeta, false));
    expect(await session.closed).toMatchObject({ code: "limit_exceeded" });
  });

  test("our own end keeps the limit by refusing to open", async () => {
    const { dialer, nextStream } = sessionPair({ limits: { openStreams: 2 } });
    const first = dialer.open(noMeta);
    dialer.open(noMeta);
    expect(() => dialer.open(noMeta)).toThrow(expect.objectContaining({ code: "limit_exceeded" }));
    (await nextStream()).destroy();
    await closed(first);
    dialer.open(noMeta);
    expect(() => dialer.open(new Uint8Array(5000))).toThrow("4096");
    await dialer.ping();
  });

  test("floods of OPEN and of RST", async () => {
    const rate = { perSecond: 1, burst: 10 };
    const opens = facing({ role: "acceptor", limits: { opens: rate } });
    for (let id = 1; id < 30; id += 2) opens.raw.send(openFrame(id, noMeta, false));
    expect(await opens.session.closed).toMatchObject({ code: "limit_exceeded" });

    const resets = facing({ role: "acceptor", limits: { resets: rate } });
    for (let id = 1; id < 30; id += 2) {
      resets.raw.send(openFrame(id, noMeta, false));
      resets.raw.send(Buffer.concat([allocateFrame(frameType.rst, id, 0), Buffer.from([1])]));
    }
    expect(await resets.session.closed).toMatchObject({ code: "limit_exceeded" });
  });

  test("questions whose answers it never reads", async () => {
    const [raw, carrier] = memoryCarrierPair();
    const session = createSession(carrier, {
      role: "acceptor",
      limits: { maxCarrierBufferedBytes: 64 * KiB },
    });
    // The raw end never starts, so nothing that the session sends leaves.
    for (let i = 0; i < 20_000; i++) raw.send(u32Frame(frameType.ping, 0, i));
    expect(await session.closed).toMatchObject({ code: "limit_exceeded" });
    expect(carrier.bufferedAmount).toBeLessThan(128 * KiB);
  });

  test("any bytes at all: the session ends in order or goes on, and never throws", async () => {
    const anyFrame = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc
        .tuple(
          fc.integer({ min: 0, max: 9 }),
          fc.integer({ min: 0, max: 6 }),
          fc.uint8Array({ maxLength: 16 }),
        )
        .map(([type, id, payload]) => Buffer.concat([allocateFrame(type, id, 0), payload])),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anyFrame, { maxLength: 30 }), async (frames) => {
        const { raw, session, received } = facing();
        const own = session.open(noMeta);
        for (const frame of frames) raw.send(frame);
        raw.send(u32Frame(frameType.ping, 0, 123_456_789));
        const answered = () =>
          received.some((m) => m[0] === frameType.pong && Buffer.from(m).readUInt32BE(5) === 123_456_789);
        await until(() => session.isClosed || answered());
        if (session.isClosed) {
          expect(await session.closed).toMatchObject({ name: "MuxError" });
          await closed(own);
        }
        session.close();
      }),
      { numRuns: 300 },
    );
  });
});
