import { NUMBER, STRING } from "../values/type.ts";
import { integer, string, unknown } from "../values/value.ts";
import { type FunctionTable, refuse, text, textOf } from "./define.ts";
import { parseDuration } from "./duration.ts";
import { formatInstant, formatRfc3339, parseInstant } from "./timestamp.ts";

/** Functions about points in time. The present one is unknown until the plan. */
export const DATE_FUNCTIONS: FunctionTable = {
  timestamp: { parameters: [], result: STRING, call: () => unknown(STRING) },
  plantimestamp: { parameters: [], result: STRING, call: () => unknown(STRING) },
  formatdate: {
    parameters: [text, text],
    result: STRING,
    call: ([format, time]) => string(formatInstant(textOf(format), parseInstant(textOf(time)))),
  },
  timeadd: {
    parameters: [text, text],
    result: STRING,
    call: ([time, duration]) => {
      const instant = parseInstant(textOf(time));
      const nanoseconds = instant.nanoseconds + parseDuration(textOf(duration));
      const written = formatRfc3339({ ...instant, nanoseconds });
      return written === null ? refuse("The result lies outside the years 0 to 9999.") : string(written);
    },
  },
  timecmp: {
    parameters: [text, text],
    result: NUMBER,
    call: ([a, b]) => {
      const [first, second] = [parseInstant(textOf(a)).nanoseconds, parseInstant(textOf(b)).nanoseconds];
      return integer(first < second ? -1 : first > second ? 1 : 0);
    },
  },
};
