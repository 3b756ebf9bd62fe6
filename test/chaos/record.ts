import { appendFileSync, existsSync, readFileSync } from "node:fs";

export type Run = {
  begunAt: Date;
  scenario: string;
  seed: number;
  seconds: number;
  /** Of the machine's last minute, at the run's end. */
  load: number;
  /** Null: everything was as it must be. */
  failure: string | null;
};

/** Runs that were made, in a file with a line for each: time, scenario, seed, seconds, load, "held" or why not. */
export type ChaosRecord = { readonly runs: readonly Run[]; add(run: Run): void };

/** Without a file: in memory only. */
export function openRecord(file: string | undefined): ChaosRecord {
  const runs =
    file === undefined || !existsSync(file) ? [] : readFileSync(file, "utf8").split("\n").flatMap(parse);
  return {
    runs,
    add(run) {
      runs.push(run);
      if (file !== undefined) appendFileSync(file, `${format(run)}\n`);
    },
  };
}

function format({ begunAt, scenario, seed, seconds, load, failure }: Run): string {
  const verdict = failure === null ? "held" : `FAILED ${failure.replaceAll(/\s+/g, " ").slice(0, 500)}`;
  return [begunAt.toISOString(), scenario, seed, seconds.toFixed(1), load.toFixed(1), verdict].join("\t");
}

function parse(line: string): Run[] {
  const [begunAt = "", scenario = "", seed, seconds, load, verdict = ""] = line.split("\t");
  if (verdict === "") return [];
  const failure = verdict === "held" ? null : verdict.replace(/^FAILED /, "");
  const numbers = { seed: Number(seed), seconds: Number(seconds), load: Number(load) };
  return [{ begunAt: new Date(begunAt), scenario, ...numbers, failure }];
}

/** A table of scenarios, in the order in which they were first run. */
export function describeRecord(runs: readonly Run[]): string {
  const rows = [...Map.groupBy(runs, ({ scenario }) => scenario)].map(([scenario, its]) => {
    const held = its.filter(({ failure }) => failure === null).length;
    const seconds = its.map((run) => run.seconds).sort((a, b) => a - b);
    const median = seconds[Math.floor(seconds.length / 2)] ?? 0;
    const failed = its.length === held ? "" : `, ${its.length - held} FAILED`;
    return `  ${scenario.padEnd(16)} ${String(held).padStart(4)} held${failed}, median ${median.toFixed(1)} s`;
  });
  const held = runs.filter(({ failure }) => failure === null).length;
  return [`${held} runs held, ${runs.length - held} failed`, ...rows].join("\n");
}
