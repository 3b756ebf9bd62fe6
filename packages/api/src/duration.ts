const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  y: 365 * 86_400_000,
};

const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|y)/y;

/**
 * Reads a duration as Go writes it (`1h30m`, `1.5s`, `-10m`), with days and years besides (cli.md 1).
 * Returns milliseconds, or null when the text is not a duration.
 *
 * @example
 * parseDuration("1d12h30m") // 131_400_000
 */
export function parseDuration(text: string): number | null {
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  if (body === "") return null;
  let totalMs = 0;
  part.lastIndex = 0;
  while (part.lastIndex < body.length) {
    const match = part.exec(body);
    if (!match) return null;
    totalMs += Number(match[1]) * unitMs[match[2]!]!;
  }
  return totalMs === 0 ? 0 : sign * totalMs;
}

/**
 * Writes a duration as Go does: hours, minutes and seconds from one second on, below that the largest
 * fitting unit.
 *
 * @example
 * formatDuration(5_400_000) // "1h30m0s"
 */
export function formatDuration(ms: number): string {
  // Work in whole nanoseconds: fractions of milliseconds have no exact form.
  const totalNs = Math.round(Math.abs(ms) * 1e6);
  const sign = ms < 0 && totalNs > 0 ? "-" : "";
  if (totalNs === 0) return "0s";
  if (totalNs < 1e3) return `${sign}${totalNs}ns`;
  if (totalNs < 1e6) return `${sign}${totalNs / 1e3}µs`;
  if (totalNs < 1e9) return `${sign}${totalNs / 1e6}ms`;
  const totalSeconds = Math.floor(totalNs / 1e9);
  const fraction = String(totalNs % 1e9)
    .padStart(9, "0")
    .replace(/0+$/, "");
  const seconds = `${totalSeconds % 60}${fraction ? `.${fraction}` : ""}s`;
  const minutes = Math.floor(totalSeconds / 60);
  if (minutes === 0) return `${sign}${seconds}`;
  const hours = Math.floor(minutes / 60);
  return `${sign}${hours > 0 ? `${hours}h` : ""}${minutes % 60}m${seconds}`;
}
