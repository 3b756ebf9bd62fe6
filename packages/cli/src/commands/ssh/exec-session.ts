import type { Duplex, Readable, Writable } from "node:stream";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { createDelimitedDecoder, encodeDelimited } from "@slipway/mux/streams";
import { ExecFrameSchema } from "@slipway/proto/tunnel";
import { forwardLocalAgent } from "./local-agent.ts";

const maxFrameBytes = 1024 * 1024;

export type ExecFrameInit = NonNullable<MessageInitShape<typeof ExecFrameSchema>["frame"]>;

export type ExecExit = { code: number; signal: string; error: string };

export type ExecSession = {
  send(frame: ExecFrameInit): void;
  /** Stops and resumes the reading of stdin. */
  readInput(on: boolean): void;
  /** How the program ended; rejects when the connection broke before. */
  exit: Promise<ExecExit>;
};

/**
 * Speaks `ExecFrame`s with a program in the workspace and joins it to our own streams. Both directions are slowed
 * by whoever is slower.
 */
export function startExecSession(options: {
  stream: Duplex;
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  /** Socket of the ssh-agent that is forwarded. */
  agentSocket?: string | undefined;
  /** Called before anything is written to stdout or stderr. */
  beforeOutput?: () => void;
  /** Sees input before it is sent; what it returns is sent instead. */
  filterInput?: (chunk: Buffer) => Buffer | undefined;
}): ExecSession {
  const { stream, stdin, stdout, stderr } = options;
  const decode = createDelimitedDecoder(maxFrameBytes);
  const exit = Promise.withResolvers<ExecExit>();
  let hasExited = false;

  const write = (frame: ExecFrameInit): boolean => {
    if (stream.writableEnded || stream.destroyed) return true;
    return stream.write(encodeDelimited(toBinary(ExecFrameSchema, create(ExecFrameSchema, { frame }))));
  };
  const agent = options.agentSocket ? forwardLocalAgent(options.agentSocket, write) : undefined;

  const show = (target: Writable, data: Uint8Array) => {
    options.beforeOutput?.();
    if (target.destroyed || target.write(data)) return;
    stream.pause();
    target.once("drain", () => stream.resume());
  };
  for (const target of new Set([stdout, stderr])) {
    // Whoever read our output is gone (a pipe to `head`): so is the reason to go on.
    target.once("error", (err) => stream.destroy(err));
  }
  stream.on("data", (chunk: Buffer) => {
    try {
      for (const message of decode(chunk)) receive(fromBinary(ExecFrameSchema, message).frame);
    } catch (err) {
      stream.destroy(err instanceof Error ? err : new Error(String(err)));
    }
  });
  function receive(frame: ReturnType<typeof fromBinary<typeof ExecFrameSchema>>["frame"]): void {
    switch (frame.case) {
      case "stdout":
        show(stdout, frame.value);
        break;
      case "stderr":
        show(stderr, frame.value);
        break;
      case "agentChannel":
        agent?.receive(frame.value);
        break;
      case "exit":
        hasExited = true;
        exit.resolve({ code: frame.value.code, signal: frame.value.signal, error: frame.value.error });
        stream.end();
        break;
      default:
    }
  }
  let failure: Error | undefined;
  stream.on("error", (err) => {
    failure = err;
  });
  stream.once("close", () => {
    stdin.off("data", onInput).off("end", onInputEnd);
    agent?.close();
    if (!hasExited) exit.reject(failure ?? new Error("The connection was closed before the program ended."));
  });

  const onInput = (chunk: Buffer) => {
    const kept = options.filterInput ? options.filterInput(chunk) : chunk;
    if (kept === undefined || kept.length === 0) return;
    if (write({ case: "stdin", value: kept })) return;
    stdin.pause();
    stream.once("drain", () => {
      if (!stream.destroyed) stdin.resume();
    });
  };
  const onInputEnd = () => void write({ case: "stdinEof", value: true });
  stdin.on("data", onInput).once("end", onInputEnd);

  return {
    send: (frame) => void write(frame),
    readInput: (on) => void (on ? stdin.resume() : stdin.pause()),
    exit: exit.promise,
  };
}
