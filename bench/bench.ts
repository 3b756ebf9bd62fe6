import type { Deployment } from "./deployment.ts";

/** One row of the table of measures: ours and what it is measured against, interleaved in one run. */
export type Bench = {
  /** What `npm run bench` takes. */
  name: string;
  title: string;
  measure(run: BenchRun): Promise<BenchResult>;
};

export type BenchRun = {
  /** `full`, or `quick` in a run that only shows that the benchmark works. */
  pick(full: number, quick: number): number;
  /** A server with a running workspace, started by the first benchmark that wants it and shared by all. */
  deployment(): Promise<Deployment>;
  say(line: string): void;
};

export type Table = { columns: readonly string[]; rows: readonly (readonly (string | number)[])[] };

export type BenchResult = {
  checks: readonly Check[];
  tables: readonly Table[];
  /** How it was measured, where the time goes. */
  notes?: readonly string[];
};

/** A measured value and the target of the table. */
export type Check = {
  what: string;
  measured: number;
  target: number;
  unit: "×" | "ms" | "s" | "KB" | "MB";
  /** Most targets are upper bounds. */
  isLowerBound?: boolean;
};

export const isMet = ({ measured, target, isLowerBound }: Check): boolean =>
  isLowerBound === true ? measured >= target : measured <= target;
