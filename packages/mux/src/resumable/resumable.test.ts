import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cuttableLink } from "../testing/cuttable-link.ts";
import { sessionPair } from "../testing/session-pair.ts";
import { type OpenResumableOptions, openResumable, type ResumableHello } from "./open-resumable.ts";
import { createResumableHost, type ResumableHostOptions } from "./resumable-host.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const closed = (stream: Duplex) =>
  stream.closed ? Promise.resolve() : new Promise<void>((resolve) => stream.once("close", resolve));
/** Like `stream/consumers`, which would destroy the stream, both halves, at the end of one. */
function buffer(stream: Duplex): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("end", () => resolve(Buffer.concat(chunks)));
  });
}
const text = async (stream: Duplex) => (await buffer(stream)).toString();
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

type Setup = Partial<OpenResumableOptions> & {
  host?: ResumableHostOptions;
  /** Bytes after which each carrier in turn is cut; those after the last live. */
  cuts?: number[];
};

/** A client and a host, joined by as many links as it takes. */
function joined({ host: hostOptions, cuts = [], ...options }: Setup = {}) {
  const host = createResumableHost(hostOptions);
  const hellos: ResumableHello[] = [];
  const states: string[] = [];
  const accepted = Promise.withResolvers<Duplex>();
  const links: ReturnType<typeof cuttableLink>[] = [];
  let isDown = false;
  const near = openResumable({
    async dial(hello) {
      if (isDown) throw new Error("No route to host.");
      hellos.push(hello);
      const link = cuttableLink(cuts[links.length]);
      links.push(link);
      host.accept(link.ends[1], hello, accepted.resolve);
      return link.ends[0];
    },
    backoffMs: () => 0,
    onState: (state) => states.push(state),
    ...options,
  });
  return {
    near,
    host,
    hellos,
    states,
    far: accepted.promise,
    cut: () => links.at(-1)?.cut(),
    setDown: (value: boolean) => {
      isDown = value;
    },
    get dials() {
      return links.length;
    },
  };
}

/** Writes in pieces of these sizes, over and over, and ends. */
async function send(stream: Duplex, data: Buffer, sizes: number[]): Promise<void> {
  let at = 0;
  for (let i = 0; at < data.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    if (!stream.write(data.subarray(at, at + size)))
      await new Promise((resolve) => stream.once("drain", resolve));
    at += size;
    if (i % 3 === 0) await turn();
  }
  stream.end();
}

/** Both directions at once, over carriers that are cut as told; both outputs must equal the inputs. */
async function transfer(
  setup: Setup,
  up: Buffer,
  down: Buffer,
  sizes: number[],
): Promise<ReturnType<typeof joined>> {
  const pair = joined(setup);
  const far = await pair.far;
  const [atNear, atFar] = await Promise.all([
    buffer(pair.near),
    buffer(far),
    send(pair.near, up, sizes),
    send(far, down, sizes),
  ]);
  expect(Buffer.compare(atFar, up)).toBe(0);
  expect(Buffer.compare(atNear, down)).toBe(0);
  await closed(pair.near);
  expect(pair.near.errored).toBeNull();
  await closed(far);
  expect(pair.host.retainedBytes).toBe(0);
  return pair;
}

describe("a resumable stream", () => {
  test("passes bytes and half closes both ways, and both ends close", async () => {
    const { near, far, host, states } = joined();
    near.end("question");
    const agent = await far;
    expect(await text(agent)).toBe("question");
    agent.end("answer");
    expect(await text(near)).toBe("answer");
    await Promise.all([closed(near), closed(agent)]);
    expect(host.streams).toBe(0);
    expect(states).toEqual(["connected"]);
  });

  test("goes on after a cut at every single byte", async () => {
    const up = randomBytes(60);
    const down = randomBytes(50);
    // Every byte of what passes in either direction: greeting, headers, data, acknowledgements, half closes.
    let total = 0;
    for (let at = 0; at <= 250; at++) {
      const { dials } = await transfer({ cuts: [at] }, up, down, [7]);
      if (dials > 1) total++;
    }
    expect(total).toBeGreaterThan(150);
  });

  test("goes on after any cuts, with any sizes of pieces and windows", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 6000 }), { maxLength: 8 }),
        fc.uint8Array({ maxLength: 6000 }),
        fc.uint8Array({ maxLength: 6000 }),
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 64, max: 8000 }),
        async (cuts, up, down, sizes, windowBytes) => {
          const setup = { cuts, windowBytes, host: { windowBytes } };
          await transfer(setup, Buffer.from(up), Buffer.from(down), sizes);
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);

  test("ends at both ends after a cut at every single byte, those of the last acknowledgement too", async () => {
    for (let at = 0; at <= 80; at++) {
      const pair = joined({ cuts: [at] });
      pair.near.end();
      const far = await pair.far;
      // One direction after the other: the opening end is the last to acknowledge.
      await buffer(far);
      far.end(randomBytes(10));
      expect((await buffer(pair.near)).length).toBe(10);
      await Promise.all([closed(pair.near), closed(far)]);
      expect(far.errored).toBeNull();
    }
  });

  test("moves megabytes across many cuts", async () => {
    const cuts = Array.from({ length: 12 }, (_, i) => 300 * KiB + i * 77_777);
    const { dials } = await transfer(
      { cuts },
      randomBytes(6 * MiB),
      randomBytes(5 * MiB),
      [65_536, 1, 40_000],
    );
    expect(dials).toBeGreaterThan(10);
  });

  test("keeps its half closes apart across a cut", async () => {
    const pair = joined();
    const far = await pair.far;
    pair.near.end("only this");
    expect(await text(far)).toBe("only this");
    pair.cut();
    await until(() => pair.dials === 2);
    far.write("still ");
    pair.cut();
    far.end("open");
    expect(await text(pair.near)).toBe("still open");
    await Promise.all([closed(pair.near), closed(far)]);
    expect(far.errored).toBeNull();
  });

  test("goes on when its reader had taken less than had arrived before a cut", async () => {
    const pair = joined({ windowBytes: 64, host: { windowBytes: 64 } });
    const far = await pair.far;
    const data = randomBytes(60);
    for (const [from, to] of [
      [pair.near, far],
      [far, pair.near],
    ] as const) {
      const dials = pair.dials;
      from.write(data);
      await until(() => to.readableLength === data.length);
      const taken = [to.read(10)];
      pair.cut();
      await until(() => pair.dials === dials + 1 && pair.states.length === 2 * pair.dials - 1);
      // More than a quarter of the window: this is acknowledged at once.
      taken.push(to.read(20), to.read(30));
      expect(Buffer.compare(Buffer.concat(taken), data)).toBe(0);
    }
    pair.near.end();
    far.end();
    expect((await buffer(far)).length + (await buffer(pair.near)).length).toBe(0);
    await Promise.all([closed(pair.near), closed(far)]);
    expect([pair.near.errored, far.errored]).toEqual([null, null]);
  });

  test("runs over mux streams", async () => {
    const host = createResumableHost();
    const accepted = Promise.withResolvers<Duplex>();
    let pair = sessionPair();
    const near = openResumable({
      backoffMs: () => 0,
      dial: async (hello) => {
        pair = sessionPair();
        const carrier = pair.dialer.open(hello.key);
        void pair.nextStream().then((stream) => host.accept(stream, hello, accepted.resolve));
        return carrier;
      },
    });
    const far = await accepted.promise;
    far.pipe(far);
    const data = randomBytes(3 * MiB);
    const sent = send(near, data, [50_000]);
    const echoed = buffer(near);
    await turn();
    pair.carriers[0].terminate();
    await sent;
    pair.carriers[1].terminate();
    expect(Buffer.compare(await echoed, data)).toBe(0);
  });

  test("a reader that stops holds back its own direction only", async () => {
    const windowBytes = 256 * KiB;
    const { near, far } = joined({ windowBytes, host: { windowBytes } });
    const agent = await far;
    // The near end never reads; the far end keeps writing.
    let accepted = 0;
    const flood = () => {
      while (agent.write(Buffer.alloc(16 * KiB), () => (accepted += 16 * KiB)));
    };
    agent.on("drain", flood);
    flood();
    // The other direction moves many windows all the same.
    let received = 0;
    agent.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    for (let i = 0; i < 64; i++) {
      if (!near.write(Buffer.alloc(32 * KiB))) await new Promise((resolve) => near.once("drain", resolve));
    }
    await until(() => received === 2 * MiB);
    expect(accepted).toBeLessThanOrEqual(windowBytes + 64 * KiB);
    near.destroy();
    await closed(agent);
  });

  test("stops its writer while there is no carrier, and tells its state", async () => {
    const pair = joined();
    const far = await pair.far;
    await until(() => pair.states.length === 1);
    pair.setDown(true);
    pair.cut();
    await until(() => pair.states.length === 2);
    let accepted = 0;
    for (let i = 0; i < 100; i++) far.write(Buffer.alloc(16 * KiB), () => (accepted += 1));
    await turn();
    expect(accepted).toBe(0);
    expect(pair.host.held).toBe(1);
    pair.setDown(false);
    far.end();
    expect((await buffer(pair.near)).length).toBe(100 * 16 * KiB);
    expect(pair.states).toEqual(["connected", "reconnecting", "connected"]);
    expect(pair.host.held).toBe(0);
  });
});

describe("the end of a resumable stream", () => {
  test("a reset at one end is the reset of the other", async () => {
    const pair = joined();
    const far = await pair.far;
    far.destroy();
    await closed(pair.near);
    expect(pair.near.errored).toMatchObject({ code: "stream_reset" });

    const other = joined();
    const otherFar = await other.far;
    other.near.destroy();
    await closed(otherFar);
    expect(otherFar.errored).toMatchObject({ code: "stream_reset" });
    expect(other.host.streams).toBe(0);
  });

  test("a host that knows nothing of the key says so", async () => {
    let host = createResumableHost();
    let isFirst = true;
    const near = openResumable({
      backoffMs: () => 0,
      onState: (state) => {
        if (state !== "connected") return;
        // The agent was restarted.
        host = createResumableHost();
        link.cut();
      },
      dial: async (hello) => {
        if (!isFirst) expect(hello.resume).toBe(true);
        isFirst = false;
        link = cuttableLink();
        host.accept(link.ends[1], hello, () => {});
        return link.ends[0];
      },
    });
    let link = cuttableLink();
    await closed(near);
    expect(near.errored).toMatchObject({ code: "stream_gone" });
    expect(near.errored?.message).toContain("no longer knows it");
  });

  test("forget ends a connected stream on both sides, with the reason", async () => {
    const pair = joined();
    const far = await pair.far;
    await until(() => pair.states.length === 1);
    const key = pair.hellos[0]?.key ?? new Uint8Array();
    expect(pair.host.forget(key, "Your access was withdrawn.")).toBe(true);
    expect(pair.host.forget(key, "again")).toBe(false);
    expect(pair.host.forget(new Uint8Array(16), "unknown")).toBe(false);
    await Promise.all([closed(pair.near), closed(far)]);
    expect(pair.near.errored?.message).toBe("Your access was withdrawn.");
  });

  test("forget ends a held stream too, and the reason waits for the other end", async () => {
    const pair = joined();
    const far = await pair.far;
    await until(() => pair.states.length === 1);
    pair.setDown(true);
    pair.cut();
    await until(() => pair.host.held === 1);
    pair.host.forget(pair.hellos[0]?.key ?? new Uint8Array(), "Your access was withdrawn.");
    await closed(far);
    expect(pair.host.held).toBe(0);
    pair.setDown(false);
    await closed(pair.near);
    expect(pair.near.errored?.message).toBe("Your access was withdrawn.");
  });

  test("a held stream ends when its time is over", async () => {
    const pair = joined({ host: { holdMs: 20 } });
    const far = await pair.far;
    await until(() => pair.states.length === 1);
    pair.setDown(true);
    pair.cut();
    await closed(far);
    expect(far.errored).toMatchObject({ code: "stream_gone" });
    pair.setDown(false);
    await closed(pair.near);
    expect(pair.near.errored).toMatchObject({ code: "stream_gone" });
  });

  test("the opening end gives up after its own time", async () => {
    const pair = joined({ giveUpMs: 20, backoffMs: () => 5 });
    await pair.far;
    await until(() => pair.states.length === 1);
    pair.setDown(true);
    pair.cut();
    await closed(pair.near);
    expect(pair.near.errored).toMatchObject({ code: "connection_lost" });
    expect(pair.near.errored?.message).toContain("No route to host.");
  });

  test("a fatal rejection ends it at once, with its message; so does a first dial that fails", async () => {
    let dials = 0;
    let link = cuttableLink();
    const host = createResumableHost();
    const near = openResumable({
      backoffMs: () => 0,
      onState: (state) => {
        if (state === "connected") link.cut();
      },
      dial: async (hello) => {
        if (++dials === 2) throw Object.assign(new Error("The workspace was deleted."), { fatal: true });
        link = cuttableLink();
        host.accept(link.ends[1], hello, () => {});
        return link.ends[0];
      },
    });
    await closed(near);
    expect(near.errored?.message).toBe("The workspace was deleted.");
    expect(dials).toBe(2);

    const first = openResumable({ dial: async () => Promise.reject(new Error("No such workspace.")) });
    await closed(first);
    expect(first.errored?.message).toBe("No such workspace.");
  });

  test("an abort ends it while it reconnects", async () => {
    const controller = new AbortController();
    const pair = joined({ signal: controller.signal });
    await until(() => pair.states.length === 1);
    pair.setDown(true);
    pair.cut();
    await until(() => pair.states.length === 2);
    controller.abort(new Error("^C"));
    await closed(pair.near);
    expect(pair.near.errored?.message).toBe("^C");
  });

  test("a carrier that never answers is given up and replaced", async () => {
    const host = createResumableHost();
    let dials = 0;
    const near = openResumable({
      attemptMs: 20,
      backoffMs: () => 0,
      dial: async (hello) => {
        const link = cuttableLink();
        if (++dials > 1) host.accept(link.ends[1], hello, (far) => far.end("at last"));
        return link.ends[0];
      },
    });
    near.end();
    expect(await text(near)).toBe("at last");
    expect(dials).toBe(2);
  });
});

describe("the host's bounds", () => {
  test("streams: the one held longest gives way, else the newcomer is refused", async () => {
    const host = createResumableHost({ maxStreams: 2 });
    const open = () => {
      const link = cuttableLink();
      const far = Promise.withResolvers<Duplex>();
      const near = openResumable({
        backoffMs: () => 1_000_000,
        dial: async (hello) => {
          host.accept(link.ends[1], hello, far.resolve);
          return link.ends[0];
        },
      });
      return { near, far: far.promise, link };
    };
    const [a, b] = [open(), open()];
    await Promise.all([a.far, b.far]);
    const refused = open();
    await closed(refused.near);
    expect(refused.near.errored?.message).toContain("2 connections are open");
    a.link.cut();
    await until(() => host.held === 1);
    const c = open();
    await Promise.all([c.far, closed(await a.far)]);
    expect((await a.far).errored).toMatchObject({ code: "stream_gone" });
    for (const { near } of [a, b, c]) near.destroy();
  });

  test("bytes: held streams are dropped, a live one goes on", async () => {
    const pair = joined({ host: { maxBytes: 128 * KiB } });
    const far = await pair.far;
    await until(() => pair.states.length === 1);
    pair.setDown(true);
    // The reader takes nothing, so everything written is retained.
    for (let i = 0; i < 4; i++) far.write(Buffer.alloc(60 * KiB));
    await until(() => pair.host.retainedBytes > 100 * KiB);
    pair.cut();
    for (let i = 0; i < 4; i++) far.write(Buffer.alloc(60 * KiB));
    await turn();
    expect(pair.host.retainedBytes).toBeLessThan(512 * KiB);
    pair.host.close();
    await closed(far);
    expect(pair.host.retainedBytes).toBe(0);
    pair.near.destroy();
  });

  test("a wrong key, and offsets that were never sent, end in order", async () => {
    const host = createResumableHost();
    const link = cuttableLink();
    host.accept(link.ends[1], { key: new Uint8Array(3), resume: false, received: 0n }, () => {});
    expect(await text(link.ends[0])).toContain("16 bytes");

    const key = new Uint8Array(16);
    const second = cuttableLink();
    let far: Duplex | undefined;
    host.accept(second.ends[1], { key, resume: false, received: 0n }, (stream) => {
      far = stream;
    });
    const third = cuttableLink();
    host.accept(third.ends[1], { key, resume: true, received: 999n }, () => {});
    expect(await text(third.ends[0])).toContain("acknowledged 999");
    expect(far?.errored).toMatchObject({ code: "protocol_error" });
  });
});
