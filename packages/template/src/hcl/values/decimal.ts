/**
 * A number as Terraform has them: a binary fraction of `precision` bits, `mantissa * 2 ** exponent`. Literals have
 * 512 bits, what functions count 64, what they compute in floating point 53. The mantissa is odd, or the number 0,
 * which has a sign as well: Terraform prints it.
 */
export type Num = {
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly precision: number;
  readonly isNegativeZero?: true;
};

/** Precision of literals, and of numbers read from text. */
export const FULL_PRECISION = 512;
const MAX_DECIMAL_EXPONENT = 5000;
const MAX_BITS = 20_000;

/** The number is beyond what any template computes with. */
export class NumberRangeError extends Error {}

/** The nearest number of so many bits; a tie goes to the even one. `isAbove` says that something was cut off. */
export function roundTo(mantissa: bigint, exponent: number, precision: number, isAbove = false): Num {
  if (mantissa === 0n) return zero(precision, false);
  const negative = mantissa < 0n;
  let bits = negative ? -mantissa : mantissa;
  let shift = exponent;
  const excess = bitLength(bits) - precision;
  if (excess > 0) {
    const cut = bits & ((1n << BigInt(excess)) - 1n);
    const half = 1n << BigInt(excess - 1);
    bits >>= BigInt(excess);
    shift += excess;
    if (cut > half || (cut === half && (isAbove || (bits & 1n) === 1n))) bits += 1n;
  }
  const zeros = trailingZeros(bits);
  bits >>= BigInt(zeros);
  shift += zeros;
  if (bitLength(bits) + Math.abs(shift) > MAX_BITS) {
    throw new NumberRangeError("The number is too large or too close to zero.");
  }
  return { mantissa: negative ? -bits : bits, exponent: shift, precision };
}

function zero(precision: number, isNegativeZero: boolean): Num {
  const positive = { mantissa: 0n, exponent: 0, precision };
  return isNegativeZero ? { ...positive, isNegativeZero } : positive;
}

export function isNegative(value: Num): boolean {
  return value.mantissa < 0n || value.isNegativeZero === true;
}

export function fromInteger(value: number | bigint, precision = 64): Num {
  const big = BigInt(value);
  return roundTo(big, 0, Math.max(precision, bitLength(big < 0n ? -big : big)));
}

/** A number of 53 bits from JavaScript's. */
export function fromFloat(value: number): Num {
  if (!Number.isFinite(value)) throw new NumberRangeError("The result is not a finite number.");
  let exponent = 0;
  let mantissa = value;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent -= 1;
  }
  return roundTo(BigInt(mantissa), exponent, 53);
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** Reads decimal text; null when it is none. */
export function parseNumber(text: string): Num | null {
  const found = DECIMAL.exec(text);
  if (found === null) return null;
  const [, sign, whole = "", fraction = "", exponentText = "0"] = found;
  if (whole === "" && fraction === "") return null;
  const exponent = Number(exponentText) - fraction.length;
  if (Math.abs(exponent) > MAX_DECIMAL_EXPONENT || whole.length + fraction.length > MAX_DECIMAL_EXPONENT) {
    throw new NumberRangeError("The number has too many digits.");
  }
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  if (digits === 0n) return zero(FULL_PRECISION, sign === "-");
  if (exponent >= 0) return roundTo(digits * 10n ** BigInt(exponent), 0, FULL_PRECISION);
  return quotient(digits, 10n ** BigInt(-exponent), 0, FULL_PRECISION);
}

/** `dividend / divisor * 2 ** exponent`, rounded once. */
function quotient(dividend: bigint, divisor: bigint, exponent: number, precision: number): Num {
  const negative = dividend < 0n !== divisor < 0n;
  const [above, below] = [magnitude(dividend), magnitude(divisor)];
  const shift = Math.max(0, precision + 2 + bitLength(below) - bitLength(above));
  const scaled = above << BigInt(shift);
  // One more bit tells whether anything is left, so that rounding sees no false tie.
  const bits = ((scaled / below) << 1n) | (scaled % below === 0n ? 0n : 1n);
  return roundTo(negative ? -bits : bits, exponent - shift - 1, precision);
}

export function add(a: Num, b: Num): Num {
  const precision = Math.max(a.precision, b.precision);
  if (a.isNegativeZero === true && b.isNegativeZero === true) return zero(precision, true);
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  return roundTo(sum, exponent, precision);
}

export function negate(a: Num): Num {
  if (a.mantissa === 0n) return zero(a.precision, !isNegative(a));
  return { ...a, mantissa: -a.mantissa };
}

export function subtract(a: Num, b: Num): Num {
  return add(a, negate(b));
}

/** A product has as many bits as it needs, but no more than literals have. */
export function multiply(a: Num, b: Num): Num {
  if (a.mantissa === 0n || b.mantissa === 0n) {
    return zero(Math.max(a.precision, b.precision), isNegative(a) !== isNegative(b));
  }
  const exact = roundTo(a.mantissa * b.mantissa, a.exponent + b.exponent, FULL_PRECISION);
  const precision = Math.max(a.precision, b.precision, bitLength(magnitude(exact.mantissa)));
  return { ...exact, precision };
}

export function divide(a: Num, b: Num): Num {
  const precision = Math.max(a.precision, b.precision);
  if (a.mantissa === 0n) return zero(precision, isNegative(a) !== isNegative(b));
  return quotient(a.mantissa, b.mantissa, a.exponent - b.exponent, precision);
}

/** The remainder has the sign of the dividend. */
export function remainder(a: Num, b: Num): Num {
  const whole = fromInteger(toBigInt(divide(a, b)));
  const product = roundTo(
    b.mantissa * whole.mantissa,
    b.exponent + whole.exponent,
    Math.max(b.precision, whole.precision),
  );
  return subtract(a, product);
}

export function compare(a: Num, b: Num): number {
  const exponent = Math.min(a.exponent, b.exponent);
  const difference =
    (a.mantissa << BigInt(a.exponent - exponent)) - (b.mantissa << BigInt(b.exponent - exponent));
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function isInteger(a: Num): boolean {
  return a.exponent >= 0;
}

/** The integer towards zero. */
export function toBigInt(a: Num): bigint {
  if (a.exponent >= 0) return a.mantissa << BigInt(a.exponent);
  const whole = magnitude(a.mantissa) >> BigInt(-a.exponent);
  return a.mantissa < 0n ? -whole : whole;
}

/** The nearest number of JavaScript; for what is computed in floating point. */
export function toFloat(a: Num): number {
  const { mantissa, exponent } = roundTo(a.mantissa, a.exponent, 53);
  // Two steps, for an exponent that alone would already be infinite or zero.
  const half = Math.trunc(exponent / 2);
  return Number(mantissa) * 2 ** half * 2 ** (exponent - half);
}

export function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const hex = value.toString(16);
  return (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex[0] ?? "0", 16)));
}

function trailingZeros(value: bigint): number {
  if ((value & 1n) === 1n) return 0;
  return bitLength(value & -value) - 1;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
