const unitMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  y: 365 * 86_400_000,
};

/** Reads a duration such as `1h30m`, `500ms`, `7d` or `0` into milliseconds; `null` when it is none. */
export function parseDurationMs(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed === "0") return 0;
  const match = /^(-?)((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|y))+)$/.exec(trimmed);
  if (!match) return null;
  let totalMs = 0;
  for (const [, amount, unit] of match[2]!.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|y)/g)) {
    totalMs += Number(amount) * unitMs[unit!]!;
  }
  const rounded = Math.round(totalMs);
  if (!Number.isSafeInteger(rounded)) return null;
  return match[1] ? 0 - rounded : rounded;
}

/** Writes milliseconds as Go does: `24h0m0s`, `1m30s`, `500ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  const sign = ms < 0 ? "-" : "";
  const rest = Math.abs(ms);
  if (rest < 1_000) return `${sign}${rest}ms`;
  const hours = Math.floor(rest / 3_600_000);
  const minutes = Math.floor((rest % 3_600_000) / 60_000);
  const seconds = (rest % 60_000) / 1_000;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}
