/**
 * What takes too long for `npm test`, with the real limits and the real amounts:
 *
 *     npm run chaos                                 every scenario once
 *     npm run chaos -- postgres-away --runs 10      some of them, again and again
 *     npm run chaos -- postgres-away --seed 4711    the run with that seed again
 *     npm run chaos -- all --runs 1000 --record chaos.tsv --until 18:30
 *
 * Each run prints its seed. `all` mixes the scenarios, the quick ones more often. `--record` appends a line for each run
 * to a file, and goes on where that one ends: its runs count as made. No run begins that would last beyond `--until`.
 */
import { randomInt } from "node:crypto";
import { loadavg } from "node:os";
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
import { daemonCut, daemonUnheard, daemonUntold } from "./daemon-network.ts";
import { endlessLogs } from "./endless-logs.ts";
import { networkAway } from "./network-away.ts";
import { nextBatch } from "./next-batch.ts";
import { postgresAway } from "./postgres-away.ts";
import { postgresKilled } from "./postgres-killed.ts";
import { race } from "./race.ts";
import { describeRecord, openRecord } from "./record.ts";
import { replicaAway, replicaLeft } from "./replica-away.ts";
import { storm } from "./storm.ts";

const scenarios: readonly Scenario[] = [
  storm,
  daemonKilled,
  hostKilled,
  daemonFrozen,
  daemonCut,
  daemonUnheard,
  daemonUntold,
  serverKilled,
  postgresKilled,
  replicaLeft,
  replicaAway,
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

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    runs: { type: "string", default: "1" },
    record: { type: "string" },
    until: { type: "string" },
  },
});
const isMixed = names[0] === "all";
const unknown = names.slice(isMixed ? 1 : 0).find((name) => !scenarios.some((each) => each.name === name));
if (unknown !== undefined) {
  console.error(`There is no scenario "${unknown}". Scenarios:`);
  for (const { name, title } of scenarios) console.error(`  ${name.padEnd(16)} ${title}`);
  process.exit(1);
}
const wantedNames = names.slice(isMixed ? 1 : 0);
const wanted = scenarios.filter(({ name }) => wantedNames.length === 0 || wantedNames.includes(name));
const possible = wanted.filter((scenario) => {
  const missing = scenario.whyNot?.() ?? null;
  if (missing !== null) console.log(`${scenario.name} cannot be tried: ${missing}`);
  return missing === null;
});

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    console.log("ending after this run; once more: at once");
    stopping.abort();
  });
}
const record = openRecord(values.record);
const parts = { shared: createSharedParts(), batched: createSharedParts() };
const plan = { scenarios: possible, runs: Number(values.runs), isMixed, until: timeOf(values.until) };
for (;;) {
  const batch = stopping.signal.aborted ? null : nextBatch(plan, record.runs, new Date());
  if (batch === null) break;
  for (let run = 0; run < batch.runs && !stopping.signal.aborted; run++) {
    if (!(await runOnce(batch.scenario))) break;
  }
  await end(parts.batched);
}
await end(parts.shared);
const isWhole = possible.length === wanted.length && record.runs.every(({ failure }) => failure === null);
console.log(describeRecord(record.runs));
process.exit(isWhole && process.exitCode === undefined ? 0 : 1);

/** Whether what was to be true was. */
async function runOnce(scenario: Scenario): Promise<boolean> {
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  console.log(`${scenario.name} --seed ${seed}: ${scenario.title}`);
  const begunAt = new Date();
  const beganMs = performance.now();
  const failure = await runScenario(scenario, seed, (line) => console.log(`  ${line}`), parts).then(
    () => null,
    (error: unknown) => {
      console.error(error);
      return String(error);
    },
  );
  const seconds = (performance.now() - beganMs) / 1000;
  const [load = 0] = loadavg();
  record.add({ begunAt, scenario: scenario.name, seed, seconds, load, failure });
  if (failure === null) {
    console.log(`  held, ${seconds.toFixed(1)} s`);
    return true;
  }
  console.log(`  FAILED, ${seconds.toFixed(1)} s. Again: npm run chaos -- ${scenario.name} --seed ${seed}`);
  await end(parts.batched);
  await end(parts.shared);
  return false;
}

async function end(shared: typeof parts.shared): Promise<void> {
  await shared.end().catch((error: unknown) => {
    process.exitCode = 1;
    console.error("What runs share did not end as it should:", error);
  });
}

/** Of today, or of tomorrow when that is over. */
function timeOf(clock: string | undefined): Date | null {
  if (clock === undefined) return null;
  const [, hours, minutes] = /^(\d{1,2}):(\d\d)$/.exec(clock) ?? [];
  if (hours === undefined) throw new Error(`--until takes a time of day such as 18:30, got ${clock}.`);
  const time = new Date();
  time.setHours(Number(hours), Number(minutes), 0, 0);
  if (time < new Date()) time.setDate(time.getDate() + 1);
  return time;
}
