import { asBool, asNumber, asText, EvaluationError, isSame, type Value } from "./evaluate.ts";
import { isRecord } from "./hcl-json.ts";

type Lazy = () => Promise<Value>;
type Call = (...args: Value[]) => Value;

/** Functions that need nothing but their arguments. What reads files or the clock has no place in tags. */
const FUNCTIONS: Record<string, Call> = {
  lower: (text) => asText(text ?? null).toLowerCase(),
  upper: (text) => asText(text ?? null).toUpperCase(),
  trimspace: (text) => asText(text ?? null).trim(),
  trimprefix: (text, prefix) => {
    const [whole, start] = [asText(text ?? null), asText(prefix ?? null)];
    return whole.startsWith(start) ? whole.slice(start.length) : whole;
  },
  trimsuffix: (text, suffix) => {
    const [whole, end] = [asText(text ?? null), asText(suffix ?? null)];
    return end !== "" && whole.endsWith(end) ? whole.slice(0, -end.length) : whole;
  },
  join: (separator, ...lists) =>
    lists
      .flatMap(asList)
      .map(asText)
      .join(asText(separator ?? null)),
  split: (separator, text) => asText(text ?? null).split(asText(separator ?? null)),
  tostring: (value) => (value === null ? null : asText(value ?? null)),
  tonumber: (value) => (value === null ? null : asNumber(value ?? null)),
  tobool: (value) => (value === null ? null : asBool(value ?? null)),
  length: (value) => {
    if (typeof value === "string") return [...new Intl.Segmenter().segment(value)].length;
    return isRecord(value) ? Object.keys(value).length : asList(value ?? null).length;
  },
  contains: (list, value) => asList(list ?? null).some((item) => isSame(item, value ?? null)),
  concat: (...lists) => lists.flatMap(asList),
  keys: (map) => Object.keys(asMap(map ?? null)).sort(),
  values: (map) => {
    const entries = asMap(map ?? null);
    return Object.keys(entries)
      .sort()
      .map((key) => entries[key] ?? null);
  },
  merge: (...maps) => Object.assign({}, ...maps.filter((map) => map !== null).map(asMap)),
  lookup: (map, key, fallback) => {
    const entries = asMap(map ?? null);
    const name = asText(key ?? null);
    if (Object.hasOwn(entries, name)) return entries[name] ?? null;
    if (fallback === undefined) throw new EvaluationError(`The map has no key ${JSON.stringify(name)}.`);
    return fallback;
  },
  jsondecode: (text) => {
    try {
      const value: Value = JSON.parse(asText(text ?? null));
      return value;
    } catch (error) {
      throw new EvaluationError(error instanceof Error ? error.message : String(error));
    }
  },
  coalesce: (...values) => {
    const first = values.find((value) => value !== null && value !== "");
    if (first === undefined)
      throw new EvaluationError("coalesce found no value that is neither null nor empty.");
    return first;
  },
};

/** Calls one of Terraform's functions; `try` and `can` must see their arguments fail, hence the lazy ones. */
export async function callFunction(name: string, args: Lazy[]): Promise<Value> {
  if (name === "try" || name === "can") {
    for (const arg of args) {
      try {
        const value = await arg();
        return name === "can" ? true : value;
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
      }
    }
    if (name === "can") return false;
    throw new EvaluationError("No argument of try could be evaluated.");
  }
  const call = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (call === undefined) {
    throw new EvaluationError(
      `The function ${name} can't be used here. These can: ${[...Object.keys(FUNCTIONS), "try", "can"].join(", ")}.`,
    );
  }
  return call(...(await Promise.all(args.map((arg) => arg()))));
}

function asList(value: Value): Value[] {
  if (Array.isArray(value)) return value;
  throw new EvaluationError("A list is needed here.");
}

function asMap(value: Value): { [key: string]: Value } {
  if (isRecord(value)) return value;
  throw new EvaluationError("A map is needed here.");
}
