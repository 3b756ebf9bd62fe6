import type { Budget } from "../evaluate/budget.ts";
import { convert } from "../values/convert.ts";
import { BOOL, listOf, NUMBER, STRING } from "../values/type.ts";
import { isNull, list, string, unknown, type Value } from "../values/value.ts";
import {
  anythingOrNull,
  type FunctionTable,
  isSequence,
  itemsOf,
  numberOf,
  refuse,
  text,
  textOf,
} from "./define.ts";
import { formatFloat, formatInteger, shortestGeneral } from "./format-verbs.ts";
import { graphemesOf } from "./graphemes.ts";
import { jsonText } from "./json.ts";

/** `format` and `formatlist`, with Go's verbs. */
export const FORMAT_FUNCTIONS: FunctionTable = {
  format: {
    parameters: [text],
    rest: anythingOrNull,
    result: STRING,
    call: ([pattern, ...args], { budget }) => {
      // To Terraform a null without a type is as good as unknown here.
      if (args.some(({ type }) => type.kind === "dynamic")) return unknown(STRING);
      return string(format(textOf(pattern), args, budget));
    },
  },
  formatlist: {
    parameters: [text],
    rest: anythingOrNull,
    result: listOf(STRING),
    call: ([pattern, ...args], { budget }) => {
      const lists = args.filter((arg) => isSequence(arg) && !isNull(arg)).map((arg) => itemsOf(arg));
      const length = lists[0]?.length ?? 1;
      if (lists.some((items) => items.length !== length)) {
        return refuse("All lists that formatlist is given must have one length.");
      }
      const results = Array.from({ length }, (_, i) => {
        const row = args.map((arg) => (isSequence(arg) && !isNull(arg) ? (itemsOf(arg)[i] ?? arg) : arg));
        budget.spend({ steps: row.length });
        return string(format(textOf(pattern), row, budget));
      });
      return list(STRING, results);
    },
  },
};

export type Verb = {
  raw: string;
  mode: string;
  flags: string;
  width: number | null;
  precision: number | null;
};

const VERB = /%([0#\-+ ]*)([1-9]\d*)?(?:\.(\d*))?(?:\[([1-9]\d*)\])?([a-zA-Z])/y;
const MAX_WIDTH = 100_000;

function format(pattern: string, args: readonly Value[], budget: Budget): string {
  let result = "";
  let next = 1;
  let highest = 0;
  for (let at = 0; at < pattern.length; ) {
    const percent = pattern.indexOf("%", at);
    if (percent === -1) {
      result += pattern.slice(at);
      break;
    }
    result += pattern.slice(at, percent);
    if (pattern[percent + 1] === "%") {
      result += "%";
      at = percent + 2;
      continue;
    }
    VERB.lastIndex = percent;
    const found = VERB.exec(pattern);
    if (found === null) return refuse(`The format has no verb behind the % at character ${percent + 1}.`);
    const [raw, flags = "", width, precision, index, mode = ""] = found;
    at = percent + raw.length;
    const position = index === undefined ? next : Number(index);
    next = position + 1;
    highest = Math.max(highest, position);
    const verb: Verb = {
      raw,
      mode,
      flags,
      width: width === undefined ? null : Number(width),
      precision: precision === undefined ? null : Number(precision),
    };
    if (Math.max(verb.width ?? 0, verb.precision ?? 0) > MAX_WIDTH) return refuse(`${raw} is too wide.`);
    const arg = args[position - 1] ?? refuse(`There are not enough arguments for ${raw}.`);
    const added = formatOne(verb, arg);
    budget.spend({ size: added.length });
    result += added;
  }
  if (highest < args.length) return refuse(`The format uses ${highest} of ${args.length} arguments.`);
  return result;
}

function formatOne(verb: Verb, arg: Value): string {
  if (verb.mode !== "v" && isNull(arg)) return refuse(`Null can't be formatted with ${verb.raw}.`);
  switch (verb.mode) {
    case "v":
      return padded(verb, plainText(verb, arg));
    case "t":
      return String(convert(arg, BOOL).data === true);
    case "s":
      return padded(verb, shortened(verb, textOf(convert(arg, STRING))));
    case "q":
      return padded(verb, jsonText(string(shortened(verb, textOf(convert(arg, STRING))))));
    case "b":
    case "d":
    case "o":
    case "x":
    case "X":
      return formatInteger(verb, numberOf(convert(arg, NUMBER)));
    case "e":
    case "E":
    case "f":
    case "g":
    case "G":
      return formatFloat(verb, numberOf(convert(arg, NUMBER)));
    default:
      return refuse(`There is no verb ${verb.raw}.`);
  }
}

function plainText(verb: Verb, arg: Value): string {
  if (!verb.flags.includes("#") && !isNull(arg)) {
    if (arg.type.kind === "string") return textOf(arg);
    if (arg.type.kind === "number") return shortestGeneral(numberOf(arg));
  }
  return jsonText(arg);
}

/** A precision of zero cuts nothing off, unlike Go's. */
function shortened({ precision }: Verb, value: string): string {
  return precision === null || precision === 0 ? value : graphemesOf(value).slice(0, precision).join("");
}

function padded({ width, flags }: Verb, value: string): string {
  const missing = (width ?? 0) - graphemesOf(value).length;
  if (missing <= 0) return value;
  const padding = (flags.includes("0") ? "0" : " ").repeat(missing);
  return flags.includes("-") ? value + padding : padding + value;
}
