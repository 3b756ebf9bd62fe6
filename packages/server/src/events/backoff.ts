const firstMs = 100;
const longestMs = 5_000;

/** How long to wait before the next attempt: doubling, with jitter so that replicas do not come in step. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const ceilingMs = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 16));
  return ceilingMs / 2 + (random() * ceilingMs) / 2;
}
