const ranges = { minute: [0, 59], hour: [0, 23], weekday: [0, 7] } as const;
const weekdayNames = /sun|mon|tue|wed|thu|fri|sat/gi;

/**
 * What is wrong with an autostart schedule, or `null`: cron with an optional zone in front, by week only,
 * such as `CRON_TZ=Europe/Zurich 30 9 * * 1-5`.
 */
export function checkAutostartSchedule(schedule: string): string | null {
  const fields = schedule.trim().split(/\s+/);
  const zone = /^(?:CRON_)?TZ=(.*)$/.exec(fields[0] ?? "")?.[1];
  if (zone !== undefined) {
    if (!isTimeZone(zone)) return `has the unknown time zone "${zone}". Use a name such as Europe/Zurich.`;
    fields.shift();
  }
  const [minute, hour, day, month, weekday] = fields;
  if (fields.length !== 5 || !minute || !hour || !weekday) {
    return `must have five fields, such as CRON_TZ=Europe/Zurich 30 9 * * 1-5, got ${fields.length}.`;
  }
  if (day !== "*" || month !== "*")
    return "must have * for day of month and month: schedules repeat by week.";
  if (!isField(minute, "minute")) return `has the minute ${minute}: give 0 to 59.`;
  if (!isField(hour, "hour")) return `has the hour ${hour}: give 0 to 23.`;
  const numbers = weekday.replace(weekdayNames, (name) => String(weekdayIndex(name)));
  return isField(numbers, "weekday") ? null : `has the day of week ${weekday}: give 0 to 6, or mon-fri.`;
}

function weekdayIndex(name: string): number {
  return ["sun", "mon", "tue", "wed", "thu", "fri", "sat"].indexOf(name.toLowerCase());
}

function isField(field: string, kind: keyof typeof ranges): boolean {
  const [min, max] = ranges[kind];
  return field.split(",").every((part) => {
    const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
    if (!match) return false;
    const from = match[1] === undefined ? min : Number(match[1]);
    const to = match[2] === undefined ? from : Number(match[2]);
    return from >= min && to <= max && from <= to && match[3] !== "0";
  });
}

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false; // RangeError is how Intl says that it knows no such zone.
  }
}
