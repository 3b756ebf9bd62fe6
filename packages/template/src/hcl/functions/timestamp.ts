import { refuse } from "./define.ts";

/** A point in time: nanoseconds since 1970, and the offset from UTC in which it was written. */
export type Instant = { nanoseconds: bigint; offsetMinutes: number };

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

export function parseInstant(text: string): Instant {
  const found = RFC3339.exec(text);
  const invalid = () =>
    refuse(`${JSON.stringify(text)} is no time in RFC 3339, such as "2030-01-02T03:04:05Z".`);
  if (found === null) return invalid();
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  const offset = Number(found[9] ?? 0) * 60 + Number(found[10] ?? 0);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDate = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDate || hour > 23 || minute > 59 || second > 59) return invalid();
  if (Number(found[9] ?? 0) > 23 || Number(found[10] ?? 0) > 59) return invalid();
  const offsetMinutes = found[8] === "-" ? -offset : offset;
  const ms = date.getTime() + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000;
  const fraction = BigInt((found[7] ?? "").slice(0, 9).padEnd(9, "0"));
  return { nanoseconds: BigInt(ms) * 1_000_000n + fraction, offsetMinutes };
}

/** The parts of a time as a clock in its own offset shows them. */
function localParts({ nanoseconds, offsetMinutes }: Instant): Date {
  const seconds =
    (nanoseconds - (((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n;
  return new Date((Number(seconds) + offsetMinutes * 60) * 1000);
}

/** Whole seconds in RFC 3339; null outside the years that it can write. */
export function formatRfc3339(instant: Instant): string | null {
  const local = localParts(instant);
  const year = local.getUTCFullYear();
  if (Number.isNaN(year) || year < 0 || year > 9999) return null;
  return `${local.toISOString().slice(0, 19)}${zone(instant, ":", true)}`;
}

function zone({ offsetMinutes }: Instant, separator: string, hasZ: boolean): string {
  if (hasZ && offsetMinutes === 0) return "Z";
  const size = Math.abs(offsetMinutes);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${offsetMinutes < 0 ? "-" : "+"}${two(Math.trunc(size / 60))}${separator}${two(size % 60)}`;
}

const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const TOKEN = /''|'(?:[^']|'')*'?|([A-Za-z])\1*|[^A-Za-z']+/g;

/** Writes a time by a pattern of letters: `YYYY-MM-DD hh:mm:ssZ`. Text between quotes stays. */
export function formatInstant(format: string, instant: Instant): string {
  const local = localParts(instant);
  return format.replace(TOKEN, (token) => {
    if (token === "''") return "'";
    if (token.startsWith("'")) {
      if (token.length === 1 || !token.endsWith("'")) return refuse("A quote in the format is not closed.");
      return token.slice(1, -1).replaceAll("''", "'");
    }
    if (!/^[A-Za-z]/.test(token)) return token;
    return writePart(token, local, instant) ?? refuse(`The format has no letters ${token}.`);
  });
}

function writePart(letters: string, local: Date, instant: Instant): string | undefined {
  const numeric = (value: number) => (letters.length === 1 ? String(value) : String(value).padStart(2, "0"));
  const isShort = letters.length <= 2;
  const month = MONTHS[local.getUTCMonth()] ?? "";
  const day = DAYS[local.getUTCDay()] ?? "";
  const hour = local.getUTCHours();
  const forms: Record<string, string> = {
    YY: String(local.getUTCFullYear() % 100).padStart(2, "0"),
    YYYY: String(local.getUTCFullYear()).padStart(4, "0"),
    MMM: month.slice(0, 3),
    MMMM: month,
    EEE: day.slice(0, 3),
    EEEE: day,
    AA: hour < 12 ? "AM" : "PM",
    aa: hour < 12 ? "am" : "pm",
    Z: zone(instant, ":", true),
    ZZZ: instant.offsetMinutes === 0 ? "UTC" : zone(instant, "", false),
    ZZZZ: zone(instant, "", false),
    ZZZZZ: zone(instant, ":", false),
  };
  const numbers: Record<string, number> = {
    M: local.getUTCMonth() + 1,
    D: local.getUTCDate(),
    h: hour,
    H: hour % 12 === 0 ? 12 : hour % 12,
    m: local.getUTCMinutes(),
    s: local.getUTCSeconds(),
  };
  const value = numbers[letters[0] ?? ""];
  return forms[letters] ?? (isShort && value !== undefined ? numeric(value) : undefined);
}
