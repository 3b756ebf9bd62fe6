/**
 * What takes too long for `npm test`, with the real limits and the real amounts:
 *
 *     npm run chaos                                 every scenario once
 *     npm run chaos -- postgres-away --runs 10      some of them, again and again
 *     npm run chaos -- postgres-away --seed 4711    the run with that seed again
 *
 * Each run prints its seed. `--scenario NAME` is the same as NAME.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { createSharedParts, runScenario, type Scenario } from "./chaos.ts";
import { clocksOff } from "./clocks-off.ts";
import {
  childrenLeft,
  daemonFrozen,
  daemonKilled,
  deafTerraform,
  diskFull,
  hostKilled,
  providerCrash,
  serverKilled,
} from "./daemon-mishaps.ts";
import { daemonCut } from "./daemon-network.ts";
import { endlessLogs } from "./endless-logs.ts";
import { networkAway } from "./network-away.ts";
import { postgresAway } from "./postgres-away.ts";
import { race } from "./race.ts";

const scenarios: readonly Scenario[] = [
  daemonKilled,
  hostKilled,
  daemonFrozen,
  daemonCut,
  serverKilled,
  diskFull,
  deafTerraform,
  providerCrash,
  childrenLeft,
  race,
  postgresAway,
  networkAway,
  clocksOff,
  endlessLogs,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    runs: { type: "string", default: "1" },
    scenario: { type: "string", multiple: true, default: [] },
  },
});
const names = [...positionals, ...values.scenario];
const unknown = names.find((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown !== undefined) {
  console.error(`There is no scenario "${unknown}". Scenarios:`);
  for (const { name, title } of scenarios) console.error(`  ${name.padEnd(16)} ${title}`);
  process.exit(1);
}

const shared = createSharedParts();
const held: string[] = [];
let failed = 0;
for (const scenario of scenarios) {
  if (names.length > 0 && !names.includes(scenario.name)) continue;
  const missing = scenario.whyNot?.() ?? null;
  if (missing !== null) {
    console.log(`${scenario.name} cannot be tried: ${missing}`);
    failed++;
    continue;
  }
  for (let run = 0; run < Number(values.runs); run++) {
    const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
    console.log(`${scenario.name} --seed ${seed}: ${scenario.title}`);
    const beganMs = performance.now();
    const took = () => `${((performance.now() - beganMs) / 1000).toFixed(1)} s`;
    try {
      await runScenario(scenario, seed, (line) => console.log(`  ${line}`), shared);
      held.push(scenario.name);
      console.log(`  held, ${took()}`);
    } catch (error) {
      failed++;
      console.error(error);
      console.log(`  FAILED, ${took()}. Again: npm run chaos -- ${scenario.name} --seed ${seed}`);
      await endShared();
    }
  }
}
await endShared();
console.log(`${held.length} runs held, ${failed} failed`);
for (const [name, runs] of Map.groupBy(held, (name) => name))
  console.log(`  ${name.padEnd(16)} ${runs.length}`);
process.exit(failed > 0 ? 1 : 0);

async function endShared(): Promise<void> {
  await shared.end().catch((error: unknown) => {
    failed++;
    console.error(error);
  });
}
