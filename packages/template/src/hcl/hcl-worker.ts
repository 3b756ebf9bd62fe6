import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";

const LIMIT_MS = 15_000;
const IDLE_MS = 30_000;

/** The parser was stopped: the text costs it more time than any template is worth, or ended it. */
export class ParserStoppedError extends Error {}

type Operation = "parse" | "getExpressionAst";
type Reply = { value: unknown } | { error: string };

// Plain JavaScript in a string, so that it starts the same from sources and from a bundle.
const WORKER = `
const { parentPort, workerData } = require("node:worker_threads");
// A program that ends prints its stack by the page; the refusal says all that an author can use.
const fs = require("node:fs");
const write = fs.writeSync;
fs.writeSync = (fd, bytes, ...rest) => (fd === 1 || fd === 2 ? bytes.length : write(fd, bytes, ...rest));
const hcl = require(workerData);
parentPort.on("message", async ({ operation, file, text }) => {
  try {
    parentPort.postMessage({ value: await hcl[operation](file, text) });
  } catch (error) {
    parentPort.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
});
`;

/**
 * Runs HashiCorp's parser, 130 to 400 ms of WebAssembly to load, in a thread of its own: some texts of a few
 * kilobytes keep it busy for minutes, or overflow its stack and end it. The thread starts with the first text
 * and goes when it was idle for a while; it never keeps the process alive.
 */
function createHclWorker() {
  let worker: Worker | null = null;
  let answer: ((reply: Reply | ParserStoppedError) => void) | null = null;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();

  function start(): Worker {
    // V8 would begin to optimize all of it for texts that are parsed before it has: twice the time for a template of
    // 16 KiB, and 0.2 s more of a processor. One of 400 KiB takes a fifth longer without. Flags are the process's; what
    // else runs WebAssembly beside the parser is small.
    for (const flag of ["--no-wasm-tier-up", "--no-wasm-dynamic-tiering"]) setFlagsFromString(flag);
    const module = createRequire(import.meta.url).resolve("@cdktn/hcl2json");
    const started = new Worker(WORKER, { eval: true, workerData: module, env: {} });
    started.on("message", (reply: Reply) => answer?.(reply));
    started.on("error", (error: Error) => answer?.(new ParserStoppedError(error.message)));
    started.on("exit", () => {
      if (worker !== started) return;
      worker = null;
      answer?.(new ParserStoppedError("the parser ended over it"));
    });
    started.unref();
    return started;
  }

  async function stop(): Promise<void> {
    const stopped = worker;
    worker = null;
    await stopped?.terminate();
  }

  async function ask(operation: Operation, file: string, text: string): Promise<unknown> {
    clearTimeout(idle);
    worker ??= start();
    // While somebody waits for the answer, the process must not end.
    worker.ref();
    const limit = setTimeout(() => answer?.(new ParserStoppedError("it takes too long to parse")), LIMIT_MS);
    const replied = new Promise<Reply | ParserStoppedError>((resolve) => {
      answer = resolve;
    });
    worker.postMessage({ operation, file, text });
    const reply = await replied;
    answer = null;
    clearTimeout(limit);
    worker?.unref();
    idle = setTimeout(() => void stop(), IDLE_MS).unref();
    if (reply instanceof ParserStoppedError) {
      await stop();
      throw reply;
    }
    if (!("error" in reply)) return reply.value;
    if (/^(?:parse config|getExpressionAst errors)/.test(reply.error)) throw new Error(reply.error);
    // An exhausted stack leaves the WebAssembly program in a state in which it fails on good texts as well.
    await stop();
    throw new ParserStoppedError(`the parser ended over it (${reply.error})`);
  }

  /** One text at a time: the one that runs too long is then the one that is refused. */
  return function run(operation: Operation, file: string, text: string): Promise<unknown> {
    const result = last.then(() => ask(operation, file, text));
    last = result.catch(() => {});
    return result;
  };
}

/** The one parser of this process; it holds nothing from one text to the next. */
export const runHclParser = createHclWorker();
