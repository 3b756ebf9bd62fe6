import { CliError } from "./cli-error.ts";

const flag = "--start-at";

/**
 * Reads when a workspace starts, `hh:mm[am|pm] [days] [location]`, into the cron form of the API (cli.md 6).
 * Without days it is every day, without a location the zone of this machine.
 *
 * @example
 * parseAutostart("9:30AM Mon-Fri Europe/Dublin") // "CRON_TZ=Europe/Dublin 30 9 * * Mon-Fri"
 */
export function parseAutostart(
  text: string,
  localZone = Intl.DateTimeFormat().resolvedOptions().timeZone,
): string {
  const [time = "", ...rest] = text.trim().split(/\s+/);
  const match = /^(\d{1,2}):(\d{2})\s*(am|pm)?$/i.exec(time);
  if (!match) throw invalid(`"${time}" is not a time`, "Write it like 9:30, 9:30AM or 17:00.");
  const minute = Number(match[2]);
  const half = match[3]?.toLowerCase();
  const clockHour = Number(match[1]);
  const isPossible = minute < 60 && (half ? clockHour >= 1 && clockHour <= 12 : clockHour < 24);
  if (!isPossible) throw invalid(`"${time}" is not a time of day`, "Write it like 9:30, 9:30AM or 17:00.");
  const hour = half ? (clockHour % 12) + (half === "pm" ? 12 : 0) : clockHour;
  const [first, second, extra] = rest;
  if (extra !== undefined) throw invalid(`"${extra}" is too much`, "Write: <time> [days] [location].");
  const [days, zone] = second === undefined && first?.includes("/") ? ["*", first] : [first ?? "*", second];
  if (!isDays(days)) throw invalid(`"${days}" does not name days`, "Write them like Mon-Fri or 1,3,5.");
  const location = zone ?? localZone;
  if (!isZone(location)) {
    throw invalid(`"${location}" is not a time zone`, "Name it as IANA does, such as Europe/Dublin.");
  }
  return `CRON_TZ=${location} ${minute} ${hour} * * ${days}`;
}

/** The cron form for people: `9:30AM Mon-Fri (Europe/Dublin)`. What it can't read it shows as it is. */
export function describeAutostart(schedule: string | undefined): string {
  if (!schedule) return "";
  const match = /^(?:CRON_TZ=(\S+) )?(\d+) (\d+) \* \* (\S+)$/.exec(schedule);
  if (!match) return schedule;
  const [, zone = "UTC", minute = "0", hour = "0", days = "*"] = match;
  const half = Number(hour) < 12 ? "AM" : "PM";
  const time = `${Number(hour) % 12 || 12}:${minute.padStart(2, "0")}${half}`;
  return `${time} ${days === "*" ? "daily" : days} (${zone})`;
}

function isDays(text: string): boolean {
  const day = "(?:[0-7]|mon|tue|wed|thu|fri|sat|sun)";
  return new RegExp(`^(?:\\*|${day}(?:-${day})?(?:,${day}(?:-${day})?)*)$`, "i").test(text);
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false; // That is how Intl answers the question.
  }
}

function invalid(message: string, hint: string): CliError {
  return new CliError(`${flag}: ${message}.`, { hint });
}
