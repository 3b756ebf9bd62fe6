import { PassThrough, Writable } from "node:stream";
import { type Cli, createCli, type GlobalOptions } from "../cli.ts";

type Options = {
  env?: NodeJS.ProcessEnv;
  globals?: Partial<GlobalOptions>;
  signal?: AbortSignal;
  columns?: number;
};

/** A command's view of the world for tests: what it writes is kept, and nobody can be asked. */
export function testCli(options: Options = {}): { cli: Cli; stdout(): string; stderr(): string } {
  const { env = {}, signal = new AbortController().signal } = options;
  const out = textSink(false);
  const err = textSink(options.columns !== undefined, options.columns);
  const cli = createCli({
    globals: {
      globalConfig: "/nonexistent",
      header: [],
      verbose: false,
      forceTty: false,
      noVersionWarning: true,
      debugOptions: false,
      noOpen: true,
      auth: "token",
      ...options.globals,
    },
    env,
    signal,
    self: "coder",
    // Streams that commands only write to and read from: nothing here needs a file descriptor.
    streams: {
      stdin: new PassThrough() as unknown as NodeJS.ReadStream,
      stdout: out.stream as unknown as NodeJS.WriteStream,
      stderr: err.stream as unknown as NodeJS.WriteStream,
    },
  });
  return { cli, stdout: out.text, stderr: err.text };
}

function textSink(isTTY: boolean, columns?: number) {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns }), text: () => text };
}
