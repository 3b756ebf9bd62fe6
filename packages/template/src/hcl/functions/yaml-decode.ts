import { isAlias, isMap, isPair, isScalar, isSeq, type Node, parseDocument, type Scalar } from "yaml";
import type { Budget } from "../evaluate/budget.ts";
import { EvaluationError } from "../evaluate/errors.ts";
import { convert } from "../values/convert.ts";
import { fromInteger, NumberRangeError, parseNumber } from "../values/decimal.ts";
import { STRING } from "../values/type.ts";
import { bool, NULL, number, object, string, tuple, type Value } from "../values/value.ts";

const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 100;

/** Reads YAML by Terraform's rules for what plain words mean, which are those of YAML 1.1 in part. */
export function parseYamlText(text: string, budget: Budget): Value {
  if (text.length > MAX_BYTES) throw new EvaluationError("The YAML is longer than 1 MiB.");
  budget.spend({ steps: text.length });
  const document = parseDocument(text, {
    schema: "failsafe",
    merge: false,
    uniqueKeys: false,
    logLevel: "error",
  });
  const [problem] = document.errors;
  if (problem !== undefined)
    throw new EvaluationError(`The YAML is invalid: ${problem.message.split("\n")[0] ?? ""}`);
  if (document.contents === null) throw new EvaluationError("The YAML holds no value.");
  const open = new Set<unknown>();

  function read(node: unknown, depth: number): Value {
    budget.spend({ steps: 1, size: 1 });
    if (depth > MAX_DEPTH) throw new EvaluationError(`YAML may be nested ${MAX_DEPTH} deep at most.`);
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (target === undefined || open.has(target))
        throw new EvaluationError(`The YAML refers to *${node.source}, which is not there yet.`);
      return read(target, depth + 1);
    }
    if (isScalar(node)) return resolveScalar(node);
    open.add(node);
    const value = isMap(node)
      ? readMap(node.items, depth)
      : isSeq(node)
        ? tuple(node.items.map((item) => read(item, depth + 1)))
        : NULL;
    open.delete(node);
    return value;
  }

  function readMap(pairs: readonly unknown[], depth: number): Value {
    const entries = new Map<string, Value>();
    const merged: Value[] = [];
    for (const pair of pairs) {
      if (!isPair(pair)) continue;
      const value = read(pair.value, depth + 1);
      if (isScalar(pair.key) && pair.key.value === "<<" && pair.key.type === "PLAIN") {
        merged.push(...(Array.isArray(value.data) ? value.data : [value]));
        continue;
      }
      const key = convert(read(pair.key, depth + 1), STRING).data;
      if (typeof key !== "string") throw new EvaluationError("A key of the YAML is null.");
      entries.set(key, value);
    }
    for (const { data } of merged) {
      if (!(data instanceof Map)) throw new EvaluationError("Only a mapping can be merged with << in YAML.");
      for (const [key, value] of data) if (!entries.has(key)) entries.set(key, value);
    }
    return object(entries);
  }

  return read(document.contents as Node, 0);
}

const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INTEGER = /^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const DATE =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:([Tt]| )(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/;

function resolveScalar(node: Scalar): Value {
  const text = String(node.source ?? node.value ?? "");
  const value = typeof node.value === "string" ? node.value : text;
  const tag = node.tag?.replace("tag:yaml.org,2002:", "!!");
  if (tag !== undefined && !/^!!(?:str|bool|int|float|null|timestamp|binary)$/.test(tag)) {
    throw new EvaluationError(`The YAML tag ${tag} is not supported.`);
  }
  if (tag === "!!str" || tag === "!!binary") return string(value);
  if (tag === "!!null") return NULL;
  if (node.type !== "PLAIN" && node.type !== undefined) return string(value);
  if (/^(?:|~|null|Null|NULL)$/.test(value)) return NULL;
  if (TRUE.test(value)) return bool(true);
  if (FALSE.test(value)) return bool(false);
  if (/^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/.test(value)) {
    throw new EvaluationError(`${value} in YAML is no number that can be used.`);
  }
  return timestamp(value) ?? readNumber(value) ?? string(value);
}

function readNumber(text: string): Value | null {
  try {
    if (/^0[xo]/.test(text) && INTEGER.test(text)) return number(fromInteger(BigInt(text)));
    const parsed = INTEGER.test(text) || FLOAT.test(text) ? parseNumber(text) : null;
    return parsed === null ? null : number(parsed);
  } catch (error) {
    if (!(error instanceof NumberRangeError)) throw error;
    throw new EvaluationError(error.message, { cause: error });
  }
}

/** Dates become texts in RFC 3339. */
function timestamp(text: string): Value | null {
  const found = DATE.exec(text);
  if (found === null) return null;
  const [, year = "", month = "", day = "", separator, hour = "0", minute = "0", second = "0", , zone] =
    found;
  if (separator !== undefined && (separator === " ") !== (zone === undefined)) return null;
  const two = (digits: string) => digits.padStart(2, "0");
  const clock = `${two(hour)}:${two(minute)}:${two(second)}`;
  const written = `${year}-${two(month)}-${two(day)}T${clock}${zone === undefined || /00:00$/.test(zone) ? "Z" : zone}`;
  const parsed = new Date(`${year}-${two(month)}-${two(day)}T${clock}Z`);
  return Number.isNaN(parsed.getTime()) || parsed.getUTCDate() !== Number(day) ? null : string(written);
}
