import { LimitError } from "./errors.ts";

export type Limits = {
  /** Nodes of trees, elements handled by functions and the like. */
  steps: number;
  /** Characters and elements that all values together may have. */
  size: number;
  timeMs: number;
};

export const DEFAULT_LIMITS: Limits = { steps: 2_000_000, size: 32 * 1024 * 1024, timeMs: 2_000 };

const MAX_DEPTH = 400;
const STEPS_BETWEEN_LOOKS = 1024;

/** What one evaluation may still use up. A template must neither hang nor exhaust the server. */
export type Budget = {
  /** Called before the work is done and before the result is made. */
  spend(cost: { steps?: number; size?: number }): void;
  /** Runs a part that may contain itself. */
  deeper<T>(run: () => T): T;
  /** The characters and elements that are left. */
  sizeLeft(): number;
};

export function createBudget(
  limits: Partial<Limits> = {},
  nowMs: () => number = () => performance.now(),
): Budget {
  const { steps, size, timeMs } = { ...DEFAULT_LIMITS, ...limits };
  let stepsLeft = steps;
  let sizeLeft = size;
  let depth = 0;
  const endMs = nowMs() + timeMs;
  let untilLook = STEPS_BETWEEN_LOOKS;
  return {
    spend(cost) {
      const spent = cost.steps ?? 0;
      stepsLeft -= spent;
      sizeLeft -= cost.size ?? 0;
      if (!(stepsLeft >= 0))
        throw new LimitError("The evaluation takes more steps than a template may need.");
      if (!(sizeLeft >= 0))
        throw new LimitError("The evaluation makes more text and elements than a template may need.");
      // Reading the clock costs more than most steps.
      untilLook -= spent + 1;
      if (untilLook > 0) return;
      untilLook = STEPS_BETWEEN_LOOKS;
      if (nowMs() > endMs) throw new LimitError(`The evaluation takes longer than ${timeMs} ms.`);
    },
    deeper(run) {
      depth += 1;
      if (depth > MAX_DEPTH)
        throw new LimitError(`References and expressions are nested more than ${MAX_DEPTH} deep.`);
      try {
        return run();
      } finally {
        depth -= 1;
      }
    },
    sizeLeft: () => sizeLeft,
  };
}
