import { createSocket, type Socket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { createDelimitedDecoder, encodeDelimited, openResumable } from "@slipway/mux";
import { type ExecFrame, ExecFrameSchema, StreamOpenSchema } from "@slipway/proto/tunnel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestAgent, type TestAgent } from "../testing/test-agent.ts";
import { frameDatagram } from "./serve-udp.ts";

let running: TestAgent;
beforeEach(async () => {
  running = await startTestAgent();
});
afterEach(() => running.close());

const listen = (server: Server, target: object) =>
  new Promise<number>((resolve) =>
    server.listen(target, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    }),
  );
const echo = () => createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
/** As the kernel's tables of sockets write it. */
const hexPort = (socket: Socket) => socket.address().port.toString(16).toUpperCase().padStart(4, "0");
async function collect(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The client's side of an exec or pty stream. */
function frames(stream: Duplex) {
  const decode = createDelimitedDecoder(1024 * 1024);
  const seen: ExecFrame["frame"][] = [];
  stream.on("data", (chunk: Buffer) => {
    for (const message of decode(chunk)) seen.push(fromBinary(ExecFrameSchema, message).frame);
  });
  const text = (kind: "stdout" | "stderr") =>
    seen.map((frame) => (frame.case === kind ? Buffer.from(frame.value).toString() : "")).join("");
  return {
    seen,
    text,
    send(frame: NonNullable<MessageInitShape<typeof ExecFrameSchema>["frame"]>) {
      stream.write(encodeDelimited(toBinary(ExecFrameSchema, create(ExecFrameSchema, { frame }))));
    },
    exit: () =>
      running.server.until(() => {
        const frame = seen.find((one) => one.case === "exit");
        return frame?.case === "exit" ? frame.value : undefined;
      }),
    until: (part: string) => running.server.until(() => text("stdout").includes(part)),
  };
}
const exec = async (init: object) =>
  frames(await running.server.open({ case: "exec", value: init } as never));
const pty = async (id: string, init: object = {}) => {
  const stream = await running.server.open({
    case: "pty",
    value: { id, rows: 24, cols: 80, ...init },
  } as never);
  return { stream, ...frames(stream) };
};

describe("exec", () => {
  test("a command with input, both outputs, status and environment", async () => {
    const client = await exec({ command: "cat; echo $X >&2; exit 9", env: { X: "from client" } });
    client.send({ case: "stdin", value: Buffer.from("hello") });
    client.send({ case: "stdinEof", value: true });
    expect(await client.exit()).toMatchObject({ code: 9, signal: "" });
    expect([client.text("stdout"), client.text("stderr")]).toEqual(["hello", "from client\n"]);
  });

  test("signals reach the command, and the signal that ended it is told", async () => {
    const client = await exec({
      command: "trap 'echo got it; exit 3' TERM; echo up; while :; do sleep 0.05; done",
    });
    await client.until("up");
    client.send({ case: "signal", value: "TERM" });
    expect(await client.exit()).toMatchObject({ code: 3 });
    const killed = await exec({ command: "kill -9 $$" });
    expect(await killed.exit()).toMatchObject({ code: 255, signal: "SIGKILL" });
  });

  test("a login shell on a terminal: greeting, size, resize", async () => {
    const client = await exec({ tty: true, rows: 33, cols: 111, term: "xterm" });
    await client.until("Maintenance on Friday");
    client.send({ case: "stdin", value: Buffer.from("stty size; echo $TERM-$SSH_TTY\n") });
    await client.until("33 111");
    await client.until("xterm-/dev/pts/");
    client.send({ case: "resize", value: { rows: 44, cols: 99 } });
    client.send({ case: "stdin", value: Buffer.from("stty size; exit 4\n") });
    await client.until("44 99");
    expect(await client.exit()).toMatchObject({ code: 4 });
  });

  test("a forwarded ssh-agent", async () => {
    const client = await exec({
      command:
        "exec 3<>/dev/null; perl -MIO::Socket::UNIX -e '$s=IO::Socket::UNIX->new($ENV{SSH_AUTH_SOCK}); print $s \"ask\"; $s->flush; sysread $s,$b,10; print $b'",
      forwardAgent: true,
    });
    const asked = await running.server.until(() => {
      const frame = client.seen.find((one) => one.case === "agentChannel");
      return frame?.case === "agentChannel" ? frame.value : undefined;
    });
    expect(Buffer.from(asked.data).toString()).toBe("ask");
    client.send({ case: "agentChannel", value: { id: asked.id, data: Buffer.from("answer") } });
    await client.exit();
    expect(client.text("stdout")).toBe("answer");
  });

  test("an answer of a forwarded ssh-agent that nobody reads is not collected for ever", async () => {
    const client = await exec({
      command:
        'perl -MIO::Socket::UNIX -e \'$s=IO::Socket::UNIX->new($ENV{SSH_AUTH_SOCK}); print $s "ask"; $s->flush; <STDIN>; print "input"\'',
      forwardAgent: true,
    });
    const channel = (close: boolean) => () => {
      const frame = client.seen.find((one) => one.case === "agentChannel" && one.value.close === close);
      return frame?.case === "agentChannel" ? frame.value : undefined;
    };
    const { id } = await running.server.until(channel(false));
    for (let sent = 0; sent < 64; sent++) {
      client.send({ case: "agentChannel", value: { id, data: Buffer.alloc(64 * 1024) } });
    }
    expect(await running.server.until(channel(true))).toMatchObject({ id });
    client.send({ case: "stdin", value: Buffer.from("go on\n") });
    await client.exit();
    expect(client.text("stdout")).toBe("input");
  });

  test("ten times the window of output, read slowly, arrives whole", async () => {
    const stream = await running.server.open({
      case: "exec",
      value: { command: "head -c 20000000 /dev/zero" },
    } as never);
    stream.pause();
    const client = frames(stream);
    setTimeout(() => stream.resume(), 200);
    expect(await client.exit()).toMatchObject({ code: 0 });
    expect(client.text("stdout").length).toBe(20_000_000);
  });
});

describe("reconnecting terminals", () => {
  const id = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

  test("the same id is the same terminal, replayed, for several clients", async () => {
    const first = await pty(id);
    first.send({ case: "stdin", value: Buffer.from("echo $((40+2))-marker\n") });
    await first.until("42-marker");
    const second = await pty(id);
    await second.until("42-marker");
    second.send({ case: "stdin", value: Buffer.from("echo $((50+5))-both\n") });
    await Promise.all([first.until("55-both"), second.until("55-both")]);
    first.stream.destroy();
    second.stream.destroy();
    const third = await pty(id);
    await third.until("55-both");
    third.send({ case: "stdin", value: Buffer.from("exit 6\n") });
    expect(await third.exit()).toMatchObject({ code: 6 });
  });

  test("a client that does not read holds up nobody who comes later", async () => {
    const count = join(running.dir, "count");
    const written = () => {
      try {
        return readFileSync(count, "utf8");
      } catch {
        return "";
      }
    };
    const first = await pty(id, {
      command: `i=0; while :; do i=$((i+1)); echo $i >${count}; head -c 4096 /dev/zero | tr '\\0' x; done`,
    });
    first.stream.pause();
    // Stuck: nothing was written over many looks.
    let [last, same] = ["", 0];
    await running.server.until(() => {
      const now = written();
      same = now !== "" && now === last ? same + 1 : 0;
      last = now;
      return same > 30;
    });
    const second = await pty(id);
    await running.server.until(() => second.text("stdout").length > 2_000_000);
    first.stream.destroy();
    second.stream.destroy();
    await (await running.server.control()).forgetStreams({ terminalIds: [id] });
  });

  test("it survives the loss of the connection, and ends when access is withdrawn", async () => {
    const first = await pty(id, { command: "echo start-$$; exec cat" });
    await first.until("start-");
    const pid = Number(/start-(\d+)/.exec(first.text("stdout"))?.[1]);
    running.server.cut();
    await running.server.until(() => running.server.seen.startups.length === 2);
    const second = await pty(id);
    await second.until(`start-${pid}`);
    const { forgotten } = await (await running.server.control()).forgetStreams({
      terminalIds: [id],
      reason: "left",
    });
    expect(forgotten).toBe(1);
    await running.server.until(() => {
      try {
        return !process.kill(pid, 0);
      } catch {
        return true;
      }
    });
  });
});

describe("forwards and measurements", () => {
  test("tcp, with half-close, and a port that does not answer", async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let all = "";
      socket.on("data", (chunk) => {
        all += chunk;
      });
      socket.once("end", () => socket.end(`got ${all}`));
    });
    const port = await listen(server, { port: 0, host: "127.0.0.1" });
    const stream = await running.server.open({ case: "tcp", value: { port } } as never);
    stream.end("question");
    expect(await collect(stream)).toBe("got question");
    await new Promise((resolve) => server.close(resolve));
    await expect(running.server.open({ case: "tcp", value: { port } } as never)).rejects.toThrow(
      /refused: Port/,
    );
  });

  test("an app that listens on IPv6 alone", async () => {
    const server = echo();
    const port = await listen(server, { port: 0, host: "::1" });
    const stream = await running.server.open({ case: "tcp", value: { port } } as never);
    stream.end("six");
    expect(await collect(stream)).toBe("six");
    server.close();
  });

  test("unix sockets, relative to the home directory", async () => {
    const server = echo();
    await listen(server, { path: join(running.dir, "app.sock") });
    const stream = await running.server.open({ case: "unix", value: { path: "~/app.sock" } } as never);
    stream.end("u");
    expect(await collect(stream)).toBe("u");
    server.close();
  });

  test("udp", async () => {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    socket.on("message", (message, from) => socket.send(`re:${message}`, from.port, from.address));
    const stream = await running.server.open({
      case: "udp",
      value: { port: socket.address().port },
    } as never);
    stream.write(frameDatagram(Buffer.from("one")));
    const answer = await new Promise<Buffer>((resolve) => stream.once("data", resolve));
    expect(answer.subarray(2).toString()).toBe("re:one");
    stream.destroy();
    socket.close();
  });

  test("ping and speedtest", async () => {
    const ping = await running.server.open({ case: "ping", value: {} } as never);
    ping.end("pong?");
    expect(await collect(ping)).toBe("pong?");
    const down = await running.server.open({ case: "speedtest", value: { durationMs: 50 } } as never);
    expect((await collect(down)).length).toBeGreaterThan(0);
    const up = await running.server.open({ case: "speedtest", value: { upload: true } } as never);
    up.end(Buffer.alloc(123_456));
    const chunks: Buffer[] = [];
    for await (const chunk of up) chunks.push(chunk);
    expect(Buffer.concat(chunks).readBigUInt64BE()).toBe(123_456n);
  });

  test("a client that leaves while the target is being reached leaves no connection behind", async () => {
    const [tcp, unix] = [echo(), echo()];
    const port = await listen(tcp, { port: 0, host: "127.0.0.1" });
    await listen(unix, { path: join(running.dir, "left.sock") });
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const udpFlows = () =>
      readFileSync("/proc/net/udp", "utf8").match(new RegExp(`:${hexPort(socket)} 01 `, "g"))?.length ?? 0;
    let met = 0;
    let left = 0;
    for (const server of [tcp, unix]) {
      server.on("connection", (one) => {
        met++;
        one.once("close", () => left++);
      });
    }
    const session = await running.server.session();
    for (const kind of [
      { case: "tcp", value: { port } },
      { case: "unix", value: { path: "~/left.sock" } },
      { case: "udp", value: { port: socket.address().port } },
    ]) {
      const meta = create(StreamOpenSchema, { version: 1, kind: kind as never });
      session.open(toBinary(StreamOpenSchema, meta)).destroy();
    }
    await running.server.until(() => met === 2 && left === 2);
    await running.server.until(() => udpFlows() === 0);
    for (const server of [tcp, unix]) server.close();
    socket.close();
  });

  test("a kind that this agent does not know is refused in words", async () => {
    await expect(running.server.open({ case: undefined } as never)).rejects.toThrow(/unsupported/);
  });
});

describe("resumable streams", () => {
  test("a transfer goes on across lost connections", async () => {
    const server = echo();
    const port = await listen(server, { port: 0, host: "127.0.0.1" });
    const stream = openResumable({
      dial: (hello) =>
        running.server.open({ case: "tcp", value: { port } } as never, { resume: hello } as never),
    });
    const total = 3_000_000;
    let received = 0;
    let cuts = 0;
    stream.on("data", (chunk: Buffer) => {
      received += chunk.byteLength;
      if (received > (cuts + 1) * 700_000 && cuts < 3) {
        cuts++;
        running.server.cut();
      }
    });
    const ended = new Promise<void>((resolve) => stream.once("end", resolve));
    stream.end(Buffer.alloc(total, 7));
    await ended;
    expect([received, cuts]).toEqual([total, 3]);
    server.close();
  });

  test("what the server tells us to forget ends at once", async () => {
    const server = echo();
    const port = await listen(server, { port: 0, host: "127.0.0.1" });
    let key: Uint8Array = new Uint8Array();
    const stream = openResumable({
      dial: (hello) => {
        key = hello.key;
        return running.server.open({ case: "tcp", value: { port } } as never, { resume: hello } as never);
      },
    });
    stream.write("x");
    await new Promise((resolve) => stream.once("data", resolve));
    const gone = new Promise<Error>((resolve) => stream.once("error", resolve));
    await (await running.server.control()).forgetStreams({
      resumeKeys: [key],
      reason: "The share was removed.",
    });
    expect((await gone).message).toContain("The share was removed.");
    server.close();
  });

  test("are reported to a server that knows nothing of them, for the session that was let in last", async () => {
    const server = echo();
    const port = await listen(server, { port: 0, host: "127.0.0.1" });
    const { seen, until, cut } = running.server;
    const callers = ["first", "second"].map((keyId) => ({ userId: "ada", keyId }));
    const back = Promise.withResolvers<void>();
    const open = async () => {
      const dialled: Uint8Array[] = [];
      const stream = openResumable({
        dial: async (hello) => {
          const caller = callers[dialled.length];
          dialled.push(hello.key);
          if (dialled.length > 1) await back.promise;
          const rest = { resume: hello, caller } as never;
          return running.server.open({ case: "tcp", value: { port } } as never, rest);
        },
      });
      stream.write("x");
      await new Promise((resolve) => stream.once("data", resolve));
      return { stream, key: Buffer.from(dialled[0] as Uint8Array).toString("hex") };
    };
    const [over, kept] = await Promise.all([open(), open()]);
    const isOver = new Promise((resolve) => over.stream.once("close", resolve));
    over.stream.end();
    await isOver;
    const terminal = { id: "00000000-0000-4000-8000-000000000002", rows: 24, cols: 80 };
    await running.server.open({ case: "pty", value: terminal } as never, { caller: callers[0] } as never);

    const reported = (keyId: string) =>
      until(() => {
        const found = seen.kept.find((one) => one.keyId === keyId);
        return found && [found.resumeKeys.map((key) => Buffer.from(key).toString("hex")), found.terminalIds];
      });
    cut();
    expect(await reported("first")).toEqual([[kept.key], [terminal.id]]);
    back.resolve();
    kept.stream.write("y");
    await new Promise((resolve) => kept.stream.once("data", resolve));
    cut();
    expect(await reported("second")).toEqual([[kept.key], []]);
    kept.stream.destroy();
    server.close();
  });
});
