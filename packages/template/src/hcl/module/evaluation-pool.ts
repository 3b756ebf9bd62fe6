import { DEFAULT_LIMITS } from "../evaluate/budget.ts";
import type { EvaluationInputs } from "./evaluation-inputs.ts";
import { EvaluationStoppedError, type EvaluationThread, startEvaluationThread } from "./evaluation-thread.ts";
import type { EvaluationName, Evaluations } from "./evaluation-worker.ts";
import type { ParsedTemplate } from "./parsed-template.ts";
import type { TemplateFiles } from "./template-source.ts";

const MAX_THREADS = 2;
const MAX_WAITING = 200;
const IDLE_MS = 5 * 60_000;
/** An evaluation looks at its budget by itself; what doesn't come to that is ended so much later. */
const GRACE_MS = 500;

type Source = { id: number; template: ParsedTemplate; files: TemplateFiles };

/** Evaluates templates beside the thread that answers requests: no template can keep that from its work. */
export type EvaluationPool = {
  /** Rejects with an EvaluationStoppedError when the template costs too much, or too many others wait. */
  run<N extends EvaluationName>(
    name: N,
    source: Source,
    inputs: EvaluationInputs,
  ): Promise<ReturnType<Evaluations[N]>>;
};

type Place = { thread: EvaluationThread; isBusy: boolean; idle: NodeJS.Timeout | undefined };

export function createEvaluationPool(): EvaluationPool {
  const places = new Set<Place>();
  const waiting: ((place: Place) => void)[] = [];

  function open(): Place {
    const place: Place = {
      thread: startEvaluationThread(() => {
        places.delete(place);
        // Those who wait for it wait for its successor.
        if (waiting.length > 0 && places.size < MAX_THREADS) waiting.shift()?.(open());
      }),
      isBusy: true,
      idle: undefined,
    };
    places.add(place);
    return place;
  }

  async function take(): Promise<Place> {
    const free = [...places].find(({ isBusy }) => !isBusy);
    if (free !== undefined) {
      clearTimeout(free.idle);
      free.isBusy = true;
      return free;
    }
    if (places.size < MAX_THREADS) return open();
    if (waiting.length >= MAX_WAITING) {
      throw new EvaluationStoppedError("Too many templates are being evaluated. Try again in a while.");
    }
    return new Promise((resolve) => waiting.push(resolve));
  }

  function release(place: Place): void {
    if (!places.has(place)) return;
    const next = waiting.shift();
    if (next !== undefined) {
      next(place);
      return;
    }
    place.isBusy = false;
    place.idle = setTimeout(() => {
      // One stays: to start it takes longer than any answer.
      if (places.size === 1) return;
      places.delete(place);
      place.thread.stop();
    }, IDLE_MS).unref();
  }

  return {
    async run<N extends EvaluationName>(name: N, source: Source, inputs: EvaluationInputs) {
      const place = await take();
      const { id, template, files } = source;
      const limitMs = (inputs.limits?.timeMs ?? DEFAULT_LIMITS.timeMs) + GRACE_MS;
      try {
        const answer = place.thread.ask({ name, id, source: { template, files }, inputs }, limitMs);
        // The worker calls the function of this name, and what it returns is plain data.
        return (await answer) as ReturnType<Evaluations[N]>;
      } catch (error) {
        // A thread that was ended takes no one else's question.
        if (error instanceof EvaluationStoppedError) places.delete(place);
        throw error;
      } finally {
        release(place);
      }
    },
  };
}
