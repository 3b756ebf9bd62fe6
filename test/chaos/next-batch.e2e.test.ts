import { describe, expect, test } from "vitest";
import type { Scenario } from "./chaos.ts";
import { nextBatch, type Plan } from "./next-batch.ts";
import type { Run } from "./record.ts";

const scenario = (name: string, share: number, seconds: number): Scenario => ({
  name,
  title: name,
  share,
  seconds,
  run: async () => {},
});
const scenarios = [scenario("quick", 80, 1), scenario("slow", 19, 10), scenario("endless", 1, 600)];
const plan: Plan = { scenarios, runs: 100, isMixed: true, until: null };
const now = new Date("2030-01-07T09:00:00Z");

/** The names of all runs, in their order. */
function follow(given: Plan, before: readonly string[] = []): string[] {
  const runs = before.map((name): Run => runOf(name));
  for (let batch = nextBatch(given, runs, now); batch !== null; batch = nextBatch(given, runs, now)) {
    for (let run = 0; run < batch.runs; run++) runs.push(runOf(batch.scenario.name));
    if (runs.length > 200) break;
  }
  return runs.map((run) => run.scenario);
}

function runOf(name: string): Run {
  return { begunAt: now, scenario: name, seed: 1, seconds: 1, load: 0, failure: null };
}

const countOf = (names: readonly string[], name: string) => names.filter((each) => each === name).length;

describe("a mix of scenarios", () => {
  test("gives each its share, the rare ones late", () => {
    const names = follow(plan);
    expect(scenarios.map(({ name }) => countOf(names, name))).toEqual([80, 19, 1]);
    expect(names.indexOf("endless")).toBeGreaterThan(80);
  });

  test("goes on after what was run before, and counts only its own scenarios", () => {
    const before = [...Array.from({ length: 80 }, () => "quick"), "another"];
    const names = follow(plan, before);
    expect(names.slice(before.length).toSorted()).toEqual([
      "endless",
      ...Array.from({ length: 19 }, () => "slow"),
    ]);
  });

  test("begins nothing that would last beyond the end", () => {
    const until = new Date(now.getTime() + 30_000);
    expect(nextBatch({ ...plan, until }, [], now)).toEqual({ scenario: scenarios[0], runs: 10 });
    expect(nextBatch({ ...plan, scenarios: scenarios.slice(1), until }, [], now)).toMatchObject({ runs: 1 });
    expect(nextBatch({ ...plan, scenarios: scenarios.slice(2), until }, [], now)).toBeNull();
  });
});
