/** The smallest sample that at least this share of all samples does not exceed. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5);

/** Cells of a table: p50, p99 and the number of samples. */
export function summary(samples: readonly number[], digits = 0): string[] {
  return [
    percentile(samples, 0.5).toFixed(digits),
    percentile(samples, 0.99).toFixed(digits),
    `${samples.length}`,
  ];
}

/** Calls each in turn, round after round: drift of the machine falls on all of them alike. */
export async function interleave(rounds: number, turns: readonly (() => Promise<void>)[]): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (const turn of turns) await turn();
  }
}
