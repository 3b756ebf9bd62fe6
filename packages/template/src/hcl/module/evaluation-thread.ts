import { Worker } from "node:worker_threads";
import type { EvaluationReply, EvaluationRequest } from "./evaluation-worker.ts";

/** The thread was ended: the template costs more than any template is worth. */
export class EvaluationStoppedError extends Error {}

/** How many templates a thread keeps. Each is a copy of the one that this process has. */
const MAX_TEMPLATES = 8;
const MAX_HEAP_MIB = 512;
const START_LIMIT_MS = 30_000;

type Question = Omit<EvaluationRequest, "source" | "forget"> & {
  source: NonNullable<EvaluationRequest["source"]>;
};

/** One thread that evaluates one template at a time, and is ended when that takes too long. */
export type EvaluationThread = {
  ask(question: Question, limitMs: number): Promise<unknown>;
  stop(): void;
};

export function startEvaluationThread(onEnd: () => void): EvaluationThread {
  const worker = new Worker(new URL("./evaluation-worker.ts", import.meta.url), {
    // A template sees nothing of the server's environment, nor what its debugger or loader was told.
    env: {},
    execArgv: ["--disable-warning=ExperimentalWarning"],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
  });
  /** What the thread holds, in the order of its last use. */
  const held = new Set<number>();
  let receive: ((message: unknown) => void) | null = null;
  let fail: (error: Error) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    fail = reject;
  });
  ended.catch(() => {}); // Whoever asks hears of it.
  worker.on("message", (message: unknown) => receive?.(message));
  worker.on("error", (error: Error & { code?: string }) => {
    const isMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
    fail(
      isMemory
        ? new EvaluationStoppedError("The evaluation takes more memory than a template may need.")
        : error,
    );
  });
  worker.on("exit", () => {
    fail(new EvaluationStoppedError("The evaluation was ended."));
    onEnd();
  });
  worker.unref();
  const ready = next(START_LIMIT_MS, "The evaluation could not be started.");
  ready.catch(() => {}); // As above.

  function next(limitMs: number, otherwise: string): Promise<unknown> {
    const message = new Promise((resolve) => {
      receive = resolve;
    });
    const timer = setTimeout(() => {
      fail(new EvaluationStoppedError(otherwise));
      void worker.terminate();
    }, limitMs);
    return Promise.race([message, ended]).finally(() => clearTimeout(timer));
  }

  return {
    async ask({ source, ...question }, limitMs) {
      await ready;
      const isHeld = held.delete(question.id);
      held.add(question.id);
      const [oldest] = held;
      const forget = held.size > MAX_TEMPLATES && oldest !== undefined ? oldest : null;
      if (forget !== null) held.delete(forget);
      const request: EvaluationRequest = { ...question, forget, source: isHeld ? null : source };
      // While somebody waits for the answer, the process must not end.
      worker.ref();
      const reply = next(limitMs, "The evaluation takes longer than a template may need.");
      worker.postMessage(request);
      // The worker's own words: nobody else writes to its port.
      const answer = (await reply.finally(() => worker.unref())) as EvaluationReply;
      if ("error" in answer) throw answer.error;
      return answer.value;
    },
    stop: () => void worker.terminate(),
  };
}
