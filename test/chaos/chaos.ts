/** Something that goes wrong in a deployment of real parts, and what must be true afterwards. */
export type Scenario = {
  /** What `npm run chaos` takes. */
  name: string;
  title: string;
  /** Why it cannot be tried on this machine, or null. */
  whyNot?(): string | null;
  /** Rejects when something is not as it must be. */
  run(chaos: Chaos): Promise<void>;
};

export type Chaos = {
  seed: number;
  /** From 0 to below 1, the same row of numbers for the same seed. */
  random(): number;
  say(line: string): void;
  /** Called at the end, the last one first, whatever happened. */
  defer(cleanUp: () => unknown): void;
};

/** Runs a scenario once and cleans up behind it. */
export async function runScenario(
  scenario: Scenario,
  seed: number,
  say: (line: string) => void,
): Promise<void> {
  const cleanUps: (() => unknown)[] = [];
  const errors: unknown[] = [];
  try {
    await scenario.run({ seed, random: randomOf(seed), say, defer: (cleanUp) => cleanUps.push(cleanUp) });
  } catch (error) {
    errors.push(error);
  }
  for (const cleanUp of cleanUps.reverse()) {
    try {
      await cleanUp();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 1) throw new AggregateError(errors, String(errors[0]));
  if (errors.length === 1) throw errors[0];
}

/** mulberry32: small, and good enough to choose moments by. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
