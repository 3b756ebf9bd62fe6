import type { Scenario } from "./chaos.ts";
import type { Run } from "./record.ts";

export type Plan = {
  scenarios: readonly Scenario[];
  /** Of each scenario; of all of them together when they are mixed. */
  runs: number;
  isMixed: boolean;
  until: Date | null;
};

/** As many runs in a row share what a scenario takes long to start. */
const batchSize = 10;
/** A run may take longer than most do. */
const margin = 2;

/** What to run next, after what was run before; null when there is nothing left to do, or no time for it. */
export function nextBatch(
  plan: Plan,
  before: readonly Run[],
  now: Date,
): { scenario: Scenario; runs: number } | null {
  const doneBy = Map.groupBy(before, ({ scenario }) => scenario);
  const done = (scenario: Scenario) => doneBy.get(scenario.name)?.length ?? 0;
  const leftMs = plan.until === null ? Number.POSITIVE_INFINITY : plan.until.getTime() - now.getTime();
  const inTime = plan.scenarios.filter(({ seconds = 60 }) => seconds * margin * 1_000 <= leftMs);
  const timeFor = ({ seconds = 60 }: Scenario) => Math.floor(leftMs / 1_000 / margin / seconds);
  if (!plan.isMixed) {
    const scenario = inTime.find((each) => done(each) < plan.runs);
    if (scenario === undefined) return null;
    return { scenario, runs: Math.min(batchSize, plan.runs - done(scenario), timeFor(scenario)) };
  }
  const ran = plan.scenarios.reduce((sum, scenario) => sum + done(scenario), 0);
  // The one that is furthest behind its share, at the end of its next batch.
  const batchOf = ({ share = 1 }: Scenario) => Math.min(batchSize, share);
  const [scenario] = inTime.toSorted(
    (a, b) => (done(a) + batchOf(a)) / (a.share ?? 1) - (done(b) + batchOf(b)) / (b.share ?? 1),
  );
  if (scenario === undefined || ran >= plan.runs) return null;
  return { scenario, runs: Math.min(batchOf(scenario), plan.runs - ran, timeFor(scenario)) };
}
