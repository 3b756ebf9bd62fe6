import { refuse } from "./define.ts";

const UNITS: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const LARGEST = 2n ** 63n - 1n;

/** Nanoseconds of a duration in Go's form, such as `1h30m` or `-1.5s`. */
export function parseDuration(text: string): bigint {
  const found = /^([+-]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/u.exec(text);
  if (/^[+-]?0$/.test(text)) return 0n;
  const quoted = JSON.stringify(text);
  if (found === null) return refuse(`${quoted} is no duration, such as "1h30m".`);
  let total = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of text.matchAll(
    /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/gu,
  )) {
    const size = UNITS[unit] ?? 0n;
    total += BigInt(whole || "0") * size;
    if (fraction !== "") total += (BigInt(fraction) * size) / 10n ** BigInt(fraction.length);
  }
  if (total > LARGEST) return refuse(`The duration ${quoted} is too long.`);
  return found[1] === "-" ? -total : total;
}
