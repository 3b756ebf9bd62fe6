import { isInteger, type Num, toBigInt } from "../values/decimal.ts";
import { type Digits, plainText, roundedDigits, shortestDigits } from "../values/format-number.ts";
import { refuse } from "./define.ts";
import type { Verb } from "./format.ts";

const BASES: Record<string, { base: number; prefix: string }> = {
  b: { base: 2, prefix: "0b" },
  o: { base: 8, prefix: "0" },
  d: { base: 10, prefix: "" },
  x: { base: 16, prefix: "0x" },
  X: { base: 16, prefix: "0X" },
};

/** %d, %b, %o, %x and %X as Go formats a big.Int. */
export function formatInteger(verb: Verb, value: Num): string {
  if (!isInteger(value)) return refuse(`${verb.raw} needs a whole number.`);
  const whole = toBigInt(value);
  const { base, prefix } = BASES[verb.mode] ?? { base: 10, prefix: "" };
  const lower = (whole < 0n ? -whole : whole).toString(base);
  const digits = verb.mode === "X" ? lower.toUpperCase() : lower;
  if (digits === "0" && verb.precision === 0) return "";
  const sign = signOf(verb, whole < 0n) + (verb.flags.includes("#") ? prefix : "");
  const zeros = digits.padStart(verb.precision ?? 0, "0");
  return filled(verb, sign, zeros, verb.precision === null);
}

/** %e, %f and %g as Go formats a big.Float. */
export function formatFloat(verb: Verb, value: Num): string {
  const text = floatText(verb.mode, verb.precision, value);
  const isNegative = text.startsWith("-");
  return filled(verb, signOf(verb, isNegative), isNegative ? text.slice(1) : text, true);
}

/** The shortest text of a number, with an exponent where it is large or small: Go's %v. */
export function shortestGeneral(value: Num): string {
  return general(shortestDigits(value), 6, "e");
}

function signOf({ flags }: Verb, isNegative: boolean): string {
  if (isNegative) return "-";
  return flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
}

function filled({ width, flags }: Verb, sign: string, digits: string, mayHaveZeros: boolean): string {
  const missing = Math.max(0, (width ?? 0) - sign.length - digits.length);
  if (flags.includes("-")) return sign + digits + " ".repeat(missing);
  if (flags.includes("0") && mayHaveZeros) return sign + "0".repeat(missing) + digits;
  return " ".repeat(missing) + sign + digits;
}

function floatText(mode: string, precision: number | null, value: Num): string {
  switch (mode) {
    case "f":
      return fixed(roundedDigits(value, precision ?? 6, "point"), precision ?? 6);
    case "e":
    case "E":
      return scientific(roundedDigits(value, (precision ?? 6) + 1, "first"), precision ?? 6, mode);
    default: {
      const letter = mode === "G" ? "E" : "e";
      if (precision === null) return general(shortestDigits(value), 6, letter);
      const places = Math.max(1, precision);
      const digits = roundedDigits(value, places, "first");
      const { length } = digits.digits;
      return general(digits, places > length && length >= digits.point ? length : places, letter);
    }
  }
}

function general(digits: Digits, largest: number, letter: string): string {
  const exponent = digits.digits === "" ? 0 : digits.point - 1;
  if (exponent < -4 || exponent >= Math.max(largest, 1))
    return scientific(digits, digits.digits.length - 1, letter);
  return plainText(digits);
}

function fixed(digits: Digits, places: number): string {
  const sign = digits.negative ? "-" : "";
  const whole = digits.point > 0 ? digits.digits.slice(0, digits.point).padEnd(digits.point, "0") : "0";
  if (places === 0) return sign + whole;
  const fraction = (
    "0".repeat(Math.max(0, -digits.point)) + digits.digits.slice(Math.max(0, digits.point))
  ).padEnd(places, "0");
  return `${sign}${whole}.${fraction.slice(0, places)}`;
}

function scientific(digits: Digits, places: number, letter: string): string {
  const first = digits.digits[0] ?? "0";
  const exponent = digits.digits === "" ? 0 : digits.point - 1;
  const fraction = places > 0 ? `.${digits.digits.slice(1).padEnd(places, "0")}` : "";
  const size = String(Math.abs(exponent)).padStart(2, "0");
  return `${digits.negative ? "-" : ""}${first}${fraction}${letter}${exponent < 0 ? "-" : "+"}${size}`;
}
