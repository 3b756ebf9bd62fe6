// `npm test`: lint, types, unit and integration tests, end-to-end tests. Needs Node 20 and npm only: what is missing
// is installed first, and everything then runs on the packaged Node.
//
//   npm test                  all of it, but `extended` where CI is not set
//   npm test -- lint types    some of it: lint, types, unit, e2e, extended
//
// `extended` starts a Docker engine for the Docker template, makes container images, runs the charts against a
// Kubernetes API server, and makes some chaos. It takes ten minutes the first time: CI does it always.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const stageLimitMs = 30 * 60_000;
const failureLines = 40;

const reports = mkdtempSync(join(tmpdir(), "slipway-test-report-"));
const stages = [
  { name: "lint", args: [join(modules, "@biomejs/biome/bin/biome"), "check", "--error-on-warnings", "."] },
  { name: "types", args: [join(modules, "typescript/bin/tsc"), "-p", "tsconfig.json"] },
  vitestStage("unit"),
  vitestStage("e2e"),
  vitestStage("extended"),
];
const byDefault = stages.filter(({ name }) => name !== "extended" || process.env.CI !== undefined);

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !stages.some((stage) => stage.name === name));
if (unknown.length > 0) {
  fail(`There is no stage "${unknown[0]}". Stages: ${stages.map((stage) => stage.name).join(", ")}.`);
}

// The launcher installs what is missing, one at a time, and records which Node runs here.
const install = spawnSync(join(root, "coder"), ["--version"], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
});
if (install.status !== 0) fail("The dependencies could not be installed; the message is above.");
const node = readFileSync(join(modules, ".slipway/node"), "utf8").trim();
const path = [join(modules, ".bin"), process.env.PATH].join(delimiter);

const chosen = wanted.length === 0 ? byDefault : stages.filter(({ name }) => wanted.includes(name));
// The checks run beside the first tests, and are shown in one piece when they have ended. The stages with tests follow
// each other: end-to-end tests beside the unit tests took longer than one after the other, where each keeps all
// processors busy by itself.
const begun = [];
for (const stage of chosen) {
  begun.push(perform(stage));
  if (stage.report !== undefined) await begun.at(-1);
}
const results = await Promise.all(begun);
rmSync(reports, { recursive: true, force: true });

// Again at the end: what a log keeps of a long run is often only its end.
const failures = results.flatMap((result) => result.failures);
if (failures.length > 0) process.stdout.write(`\n== failed\n\n${failures.join("\n")}`);

process.stdout.write("\n");
for (const { name, passed, failed, seconds } of results) {
  const columns = [name.padEnd(9), `${passed} passed`.padStart(12), `${failed} failed`.padStart(10)];
  process.stdout.write(`${columns.join(" ")}  ${seconds.toFixed(1).padStart(7)} s\n`);
}
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
if (wanted.length === 0 && byDefault.length < stages.length) {
  process.stdout.write(
    "The Docker template, images, charts, units and chaos are tested by CI and by: npm test -- extended\n",
  );
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

function vitestStage(project) {
  const report = join(reports, `${project}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  return {
    name: project,
    report,
    args: [join(modules, "vitest/vitest.mjs"), "run", "--project", project, ...reporters],
  };
}

async function perform({ name, args, report }) {
  const isCheck = report === undefined;
  if (!isCheck) process.stdout.write(`\n== ${name}\n`);
  const startedAt = Date.now();
  const { succeeded, output } = await run(args, isCheck ? "pipe" : "inherit");
  if (isCheck) process.stdout.write(`\n== ${name}\n${output}`);
  const { passed, failures } = isCheck ? { passed: succeeded ? 1 : 0, failures: [] } : read(report);
  // A check counts as one test; a test run that fails without a failed test (an error outside of any test) as one
  // failure.
  if (!succeeded && failures.length === 0) {
    failures.push(described(name, isCheck ? output : "The run failed outside of its tests; see above."));
  }
  return { name, seconds: (Date.now() - startedAt) / 1000, passed, failed: failures.length, failures };
}

function run(args, output) {
  return new Promise((resolve) => {
    const child = spawn(node, args, {
      cwd: root,
      stdio: ["ignore", output, output],
      env: { ...process.env, PATH: path },
      timeout: stageLimitMs,
    });
    const printed = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => printed.push(chunk));
    child.on("error", (error) => resolve({ succeeded: false, output: `${error.message}\n` }));
    child.on("close", (code) =>
      resolve({ succeeded: code === 0, output: Buffer.concat(printed).toString() }),
    );
  });
}

/** Tests of vitest's JSON report; a file that failed as a whole counts as one failure. */
function read(report) {
  if (!existsSync(report)) return { passed: 0, failures: [] };
  const { testResults, numPassedTests } = JSON.parse(readFileSync(report, "utf8"));
  const failures = testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(root, name);
    const tests = assertionResults.filter((test) => test.status === "failed");
    if (status === "failed" && tests.length === 0) return described(file, message);
    return tests.map((test) => described(`${file} > ${test.fullName}`, test.failureMessages.join("\n")));
  });
  return { passed: numPassedTests, failures };
}

/** What failed and the beginning of how, indented. */
function described(what, how) {
  const lines = how.trimEnd().split("\n").slice(0, failureLines);
  return `${[what, ...lines.map((line) => `    ${line}`)].join("\n")}\n`;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
