/** Something that goes wrong in a deployment of real parts, and what must be true afterwards. */
export type Scenario = {
  /** What `npm run chaos` takes. */
  name: string;
  title: string;
  /** How many of a thousand runs of all scenarios are its own; default 1. */
  share?: number;
  /** What one run takes, about; default 60. */
  seconds?: number;
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
  /** What takes long to start and is left as it was found: begun by the first run that wants it, ended after the last. */
  shared: SharedParts["get"];
  /** The same for a row of runs of one scenario. */
  batched: SharedParts["get"];
};

/** What runs share. One of them that fails leaves it in an unknown state: it is ended then, and begun anew. */
export type SharedParts = {
  get<T>(key: object, start: (defer: Chaos["defer"]) => Promise<T>): Promise<T>;
  end(): Promise<void>;
};

export function createSharedParts(): SharedParts {
  const parts = new Map<object, Promise<unknown>>();
  let cleanUps: (() => unknown)[] = [];
  return {
    get<T>(key: object, start: (defer: Chaos["defer"]) => Promise<T>): Promise<T> {
      const part = parts.get(key) ?? start((cleanUp) => cleanUps.push(cleanUp));
      parts.set(key, part);
      return part as Promise<T>; // Of this key only what `start` made is kept.
    },
    async end() {
      parts.clear();
      const errors = await inReverse(cleanUps);
      cleanUps = [];
      throwAll(errors);
    },
  };
}

/** Runs a scenario once and cleans up behind it. */
export async function runScenario(
  scenario: Scenario,
  seed: number,
  say: (line: string) => void,
  { shared, batched }: { shared: SharedParts; batched: SharedParts },
): Promise<void> {
  const cleanUps: (() => unknown)[] = [];
  const errors: unknown[] = [];
  try {
    await scenario.run({
      seed,
      random: randomOf(seed),
      say,
      defer: (cleanUp) => cleanUps.push(cleanUp),
      shared: shared.get,
      batched: batched.get,
    });
  } catch (error) {
    errors.push(error);
  }
  errors.push(...(await inReverse(cleanUps)));
  throwAll(errors);
}

async function inReverse(cleanUps: readonly (() => unknown)[]): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (const cleanUp of cleanUps.toReversed()) {
    try {
      await cleanUp();
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}

function throwAll(errors: readonly unknown[]): void {
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
