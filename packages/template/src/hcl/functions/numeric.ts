import { convert } from "../values/convert.ts";
import {
  add,
  compare,
  fromFloat,
  fromInteger,
  isInteger,
  isNegative,
  type Num,
  negate,
  toBigInt,
  toFloat,
} from "../values/decimal.ts";
import { NUMBER } from "../values/type.ts";
import { isNull, number, unknown, type Value } from "../values/value.ts";
import {
  anything,
  type FunctionTable,
  itemsOf,
  numberOf,
  numeric,
  refuse,
  textOf,
  wholeOf,
} from "./define.ts";

const NUMERIC_PARAMETERS = { parameters: [numeric], result: NUMBER } as const;

export const NUMERIC_FUNCTIONS: FunctionTable = {
  abs: {
    ...NUMERIC_PARAMETERS,
    call: ([value]) => {
      const found = numberOf(value);
      return number(isNegative(found) ? negate(found) : found);
    },
  },
  ceil: { ...NUMERIC_PARAMETERS, call: ([value]) => number(toWhole(numberOf(value), 1n)) },
  floor: { ...NUMERIC_PARAMETERS, call: ([value]) => number(toWhole(numberOf(value), -1n)) },
  signum: {
    ...NUMERIC_PARAMETERS,
    call: ([value]) => number(fromInteger(Math.sign(wholeOf(value, "number")))),
  },
  log: {
    parameters: [numeric, numeric],
    result: NUMBER,
    call: ([value, base]) => {
      return inFloat(goLog(toFloat(numberOf(value))) / goLog(toFloat(numberOf(base))));
    },
  },
  pow: {
    parameters: [numeric, numeric],
    result: NUMBER,
    call: ([value, power]) => inFloat(goPow(toFloat(numberOf(value)), toFloat(numberOf(power)))),
  },
  max: { parameters: [], rest: numeric, result: NUMBER, call: (args) => extreme(args, 1) },
  min: { parameters: [], rest: numeric, result: NUMBER, call: (args) => extreme(args, -1) },
  sum: {
    parameters: [anything],
    result: NUMBER,
    call: ([value]) => {
      const items = itemsOf(value);
      if (items.length === 0) return refuse("An empty list has no sum.");
      return number(items.map(asNumber).reduce(add));
    },
  },
  parseint: {
    parameters: [anything, numeric],
    result: NUMBER,
    call: ([value, base]) => {
      if (value?.type.kind !== "string") return refuse("The first argument of parseint must be a string.");
      return number(fromInteger(parseInteger(textOf(value), wholeOf(base, "base"))));
    },
  },
};

function toWhole(value: Num, direction: 1n | -1n): Num {
  // As a whole number zero has no sign.
  if (isInteger(value)) return value.mantissa === 0n ? fromInteger(0) : value;
  const whole = toBigInt(value);
  const isAway = value.mantissa > 0n === direction > 0n;
  return fromInteger(isAway ? whole + direction : whole, value.precision);
}

/** Terraform has infinities; here they are unknown, because nobody computes with them. */
function inFloat(value: number): Value {
  if (Number.isNaN(value)) return refuse("The result is not a number.");
  return Number.isFinite(value) ? number(fromFloat(value)) : unknown(NUMBER);
}

function extreme(args: readonly Value[], sign: 1 | -1): Value {
  const [first, ...others] = args;
  if (first === undefined) return refuse("At least one number is needed.");
  return others.reduce((best, value) => {
    return compare(numberOf(value), numberOf(best)) * sign > 0 ? value : best;
  }, first);
}

function asNumber(value: Value): Num {
  if (isNull(value)) return refuse("A list with a null in it has no sum.");
  return numberOf(convert(value, NUMBER));
}

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

function parseInteger(written: string, base: number): bigint {
  if (base < 2 || base > 62) return refuse("The base must be a whole number between 2 and 62.");
  const [, sign, digits = ""] = /^([+-]?)(.*)$/s.exec(written) ?? [];
  const quoted = JSON.stringify(written);
  if (digits === "" || digits.length > 5000)
    return refuse(`${quoted} is no whole number to the base ${base}.`);
  let result = 0n;
  for (const digit of base <= 36 ? digits.toLowerCase() : digits) {
    const value = DIGITS.indexOf(digit);
    if (value < 0 || value >= base) return refuse(`${quoted} is no whole number to the base ${base}.`);
    result = result * BigInt(base) + BigInt(value);
  }
  return sign === "-" ? -result : result;
}

/** The algorithm of Go's math.Log, which Terraform uses, to the last bit. */
function goLog(x: number): number {
  if (Number.isNaN(x) || x === Number.POSITIVE_INFINITY) return x;
  if (x < 0) return Number.NaN;
  if (x === 0) return Number.NEGATIVE_INFINITY;
  let [f1, ki] = frexp(x);
  if (f1 < Math.SQRT2 / 2) {
    f1 *= 2;
    ki -= 1;
  }
  const f = f1 - 1;
  const k = ki;
  const s = f / (2 + f);
  const s2 = s * s;
  const s4 = s2 * s2;
  const t1 =
    s2 *
    (0.6666666666666735 + s4 * (0.2857142874366239 + s4 * (0.1818357216161805 + s4 * 0.14798198605116586)));
  const t2 = s4 * (0.3999999999940942 + s4 * (0.22222198432149784 + s4 * 0.15313837699209373));
  const r = t1 + t2;
  const hfsq = 0.5 * f * f;
  return k * 0.6931471803691238 - (hfsq - (s * (hfsq + r) + k * 1.9082149292705877e-10) - f);
}

/** A fraction from ½ to 1 and the power of two by which it is multiplied. */
function frexp(x: number): [fraction: number, exponent: number] {
  if (x === 0 || !Number.isFinite(x)) return [x, 0];
  let exponent = Math.max(-1023, Math.floor(Math.log2(Math.abs(x))) + 1);
  let fraction = x * 2 ** -exponent;
  while (Math.abs(fraction) < 0.5) {
    fraction *= 2;
    exponent -= 1;
  }
  while (Math.abs(fraction) >= 1) {
    fraction /= 2;
    exponent += 1;
  }
  return [fraction, exponent];
}

/** The algorithm of Go's math.Pow for ordinary arguments. */
function goPow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (y === 1) return x;
  if (y === 0.5) return Math.sqrt(x);
  if (y === -0.5) return 1 / Math.sqrt(x);
  if (x === 0 || !Number.isFinite(x) || !Number.isFinite(y)) return x ** y;
  const size = Math.abs(y);
  let whole = Math.trunc(size);
  let fraction = size - whole;
  if (fraction !== 0 && x < 0) return Number.NaN;
  if (whole >= 2 ** 63) return x ** y;
  let result = 1;
  let exponent = 0;
  if (fraction !== 0) {
    if (fraction > 0.5) {
      fraction -= 1;
      whole += 1;
    }
    result = Math.exp(fraction * goLog(x));
  }
  let [x1, xe] = frexp(x);
  for (let i = BigInt(whole); i !== 0n; i >>= 1n) {
    if (xe < -(2 ** 12) || xe > 2 ** 12) {
      exponent += xe;
      break;
    }
    if ((i & 1n) === 1n) {
      result *= x1;
      exponent += xe;
    }
    x1 *= x1;
    xe *= 2;
    if (x1 < 0.5) {
      x1 += x1;
      xe -= 1;
    }
  }
  if (y < 0) {
    result = 1 / result;
    exponent = -exponent;
  }
  const half = Math.trunc(exponent / 2);
  return result * 2 ** half * 2 ** (exponent - half);
}
