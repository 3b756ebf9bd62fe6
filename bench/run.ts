/**
 * Measures this clone, and appends what it found to bench/RESULTS.md:
 *
 *     npm run bench                      all benchmarks
 *     npm run bench -- queue ssh-bulk    some of them
 *     npm run bench -- --quick           a few samples of each, printed only: shows that the benchmarks work
 */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { agentMemory } from "./agent-memory.ts";
import type { Bench, BenchRun } from "./bench.ts";
import { isMet } from "./bench.ts";
import { buildHistory } from "./build-history.ts";
import { commandStart } from "./command-start.ts";
import { concurrentBuilds } from "./concurrent-builds.ts";
import { createToShell } from "./create-to-shell.ts";
import { type Deployment, startDeployment } from "./deployment.ts";
import { externalDaemons } from "./external-daemons.ts";
import { keystrokes } from "./keystrokes.ts";
import { listWorkspaces } from "./list-workspaces.ts";
import { describeMachine } from "./machine.ts";
import { queue } from "./queue.ts";
import { type Measured, renderRun } from "./results.ts";
import { resumableStreams } from "./resumable-streams.ts";
import { serverMemory } from "./server-memory.ts";
import { serverStart } from "./server-start.ts";
import { sshBulk } from "./ssh-bulk.ts";
import { sshCommand } from "./ssh-command.ts";
import { up } from "./up.ts";
import { warmBuild } from "./warm-build.ts";

const benches: readonly Bench[] = [
  warmBuild,
  createToShell,
  queue,
  externalDaemons,
  concurrentBuilds,
  buildHistory,
  sshBulk,
  sshCommand,
  resumableStreams,
  keystrokes,
  serverMemory,
  agentMemory,
  commandStart,
  listWorkspaces,
  serverStart,
  up,
];

const words = process.argv.slice(2);
const isQuick = words.includes("--quick");
const names = words.filter((word) => word !== "--quick");
const unknown = names.find((name) => !benches.some((bench) => bench.name === name));
if (unknown !== undefined) {
  console.error(
    `There is no benchmark "${unknown}". Benchmarks: ${benches.map(({ name }) => name).join(", ")}.`,
  );
  process.exit(1);
}

const startedAt = new Date();
const machine = describeMachine();
let deployment: Promise<Deployment> | undefined;
const run: BenchRun = {
  pick: (full, quick) => (isQuick ? quick : full),
  deployment: () => (deployment ??= startDeployment()),
  say: (line) => console.error(`  ${line}`),
};

const measured: Measured[] = [];
for (const bench of benches) {
  if (names.length > 0 && !names.includes(bench.name)) continue;
  console.error(bench.title);
  const { name, title } = bench;
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  try {
    const result = await bench.measure(run);
    measured.push({ name, title, seconds: seconds(), result });
  } catch (cause) {
    // The others are worth having without this one.
    const error = cause instanceof Error ? cause : new Error(String(cause));
    console.error(error);
    measured.push({ name, title, seconds: seconds(), error });
  }
}
// One that did not start has told its benchmark why.
await deployment?.then(
  ({ server }) => server.close(),
  () => {},
);

const section = renderRun(
  startedAt,
  ["npm run bench --", ...words].join(" ").replace(/ --$/, ""),
  machine,
  measured,
);
console.log(section);
if (!isQuick) await appendFile(join(import.meta.dirname, "RESULTS.md"), `\n${section}`);
const missed = measured.filter((one) => "error" in one || !one.result.checks.every(isMet));
process.exit(missed.some((one) => "error" in one) ? 1 : 0);
