/** How much of something is used, in whole units; `total` is null where there is no limit. */
export type Usage = { used: number; total: number | null; unit: "cores" | "B" };

/** Prefixes for amounts of memory, with their powers of 1024. */
const powers = { Ki: 1, Mi: 2, Gi: 3, Ti: 4 } as const;
export type Prefix = keyof typeof powers;
export const prefixes: readonly Prefix[] = ["Ki", "Mi", "Gi", "Ti"];

/**
 * @example
 * usageText({ used: 3 * 1024 ** 3, total: 8 * 1024 ** 3, unit: "B" }, "Gi") // "3/8 GiB (38%)"
 * usageText({ used: 0.5, total: null, unit: "cores" }) // "0.5 cores"
 */
export function usageText({ used, total, unit }: Usage, prefix?: Prefix): string {
  const scale = prefix ? 1024 ** powers[prefix] : 1;
  const number = (value: number) => String(Number((value / scale).toFixed(2)));
  const shownUnit = `${prefix ?? ""}${unit}`;
  if (total === null) return `${number(used)} ${shownUnit}`;
  const percent = total === 0 ? "" : ` (${Math.round((used / total) * 100)}%)`;
  return `${number(used)}/${number(total)} ${shownUnit}${percent}`;
}
