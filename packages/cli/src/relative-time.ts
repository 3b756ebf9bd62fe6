const units = [
  ["y", 365 * 24 * 3600],
  ["w", 7 * 24 * 3600],
  ["d", 24 * 3600],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
] as const;

/** How long ago, in the largest unit that fits: `3h ago`, `in 2d`; `now` within a second; `never` for Go's zero time. */
export function relativeTime(iso: string | undefined | null, now: Date = new Date()): string {
  if (!iso || iso.startsWith("0001-")) return "never";
  const seconds = Math.round((now.getTime() - Date.parse(iso)) / 1000);
  const size = Math.abs(seconds);
  const unit = units.find(([, length]) => size >= length);
  if (!unit) return "now";
  const text = `${Math.floor(size / unit[1])}${unit[0]}`;
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}
