import { afterAll, describe, expect, test } from "vitest";
import { createSharedParts, runScenario } from "./chaos.ts";
import { daemonKilled, hostKilled, providerCrash } from "./daemon-mishaps.ts";
import { raceOf } from "./race.ts";
import { storm } from "./storm.ts";

// `npm run chaos` has more of them, at random, and with the real amounts.
const selection = [
  { scenario: daemonKilled, seed: 7 },
  { scenario: hostKilled, seed: 11 },
  { scenario: providerCrash, seed: 3 },
  { scenario: storm, seed: 2 },
  { scenario: raceOf({ daemons: 20, builds: 60 }), seed: 5 },
];

const shared = createSharedParts();
const batched = createSharedParts();
afterAll(async () => {
  await batched.end();
  await shared.end();
});

describe("whatever happens, every job ends once, and what was made is in a state or named", () => {
  test.each(selection)("$scenario.title, seed $seed", async ({ scenario, seed }) => {
    const said: string[] = [];
    await runScenario(scenario, seed, (line) => said.push(line), { shared, batched });
    expect(said).toHaveLength(1);
    // Each scenario has a daemon of its own.
    await batched.end();
  });
});
