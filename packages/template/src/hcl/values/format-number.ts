import { bitLength, isNegative, type Num, toBigInt } from "./decimal.ts";

/** Decimal digits of a number: 0.d1d2d3… times ten to the power of `point`. */
export type Digits = { negative: boolean; digits: string; point: number };

/** As Terraform prints numbers: the shortest digits that mean this number and no other of its precision. */
export function numberText(value: Num): string {
  const { mantissa, exponent, precision } = value;
  if (mantissa === 0n) return isNegative(value) ? "-0" : "0";
  if (exponent >= 0 && bitLength(mantissa < 0n ? -mantissa : mantissa) + exponent <= precision) {
    return toBigInt(value).toString();
  }
  return plainText(shortestDigits(value));
}

export function plainText({ negative, digits, point }: Digits): string {
  const sign = negative ? "-" : "";
  if (digits === "") return `${sign}0`;
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  if (digits.length <= point) return sign + digits.padEnd(point, "0");
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** All decimal digits; every binary fraction has finitely many. */
export function exactDigits(value: Num): Digits {
  const { mantissa, exponent } = value;
  return { negative: isNegative(value), ...decimalOf(mantissa < 0n ? -mantissa : mantissa, exponent) };
}

/** Digits to so many places, behind the first digit or behind the point; a tie goes to the even digit. */
export function roundedDigits(value: Num, places: number, from: "first" | "point"): Digits {
  const exact = exactDigits(value);
  const count = from === "first" ? places : exact.point + places;
  if (count >= exact.digits.length) return exact;
  if (count < 0) return { ...exact, digits: "", point: 0 };
  const next = exact.digits[count] ?? "0";
  const isTie = next === "5" && count + 1 === exact.digits.length;
  const isOdd = Number(exact.digits[count - 1] ?? "0") % 2 === 1;
  return next > "5" || (next === "5" && (!isTie || isOdd)) ? roundUp(exact, count) : cut(exact, count);
}

/** The method of Go's big.Float: digits are taken until neither neighbour of the number shares them. */
export function shortestDigits(value: Num): Digits {
  const exact = exactDigits(value);
  if (exact.digits === "") return exact;
  const bits = value.mantissa < 0n ? -value.mantissa : value.mantissa;
  const shift = value.precision + 1 - bitLength(bits);
  const wide = bits << BigInt(shift);
  const exponent = value.exponent - shift;
  const lower = decimalOf(wide - 1n, exponent).digits;
  const upper = decimalOf(wide + 1n, exponent).digits;
  const inclusive = (wide & 2n) === 0n;
  for (let i = 0; i < exact.digits.length; i += 1) {
    const [digit, low, high] = [exact.digits[i] ?? "0", lower[i] ?? "0", upper[i] ?? "0"];
    const mayGoDown = low !== digit || (inclusive && i + 1 === lower.length);
    const mayGoUp = digit !== high && (inclusive || Number(digit) + 1 < Number(high) || i + 1 < upper.length);
    if (mayGoDown && mayGoUp) {
      const next = exact.digits[i + 1] ?? "0";
      const isTie = next === "5" && i + 2 === exact.digits.length;
      const goesUp = next > "5" || (next === "5" && (!isTie || Number(digit) % 2 === 1));
      return goesUp ? roundUp(exact, i + 1) : cut(exact, i + 1);
    }
    if (mayGoDown) return cut(exact, i + 1);
    if (mayGoUp) return roundUp(exact, i + 1);
  }
  return exact;
}

function decimalOf(mantissa: bigint, exponent: number): { digits: string; point: number } {
  if (mantissa === 0n) return { digits: "", point: 0 };
  const scaled = exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(-exponent);
  const text = scaled.toString();
  const point = text.length - Math.max(0, -exponent);
  return { digits: text.replace(/0+$/, ""), point };
}

function cut(digits: Digits, count: number): Digits {
  const kept = digits.digits.slice(0, count).replace(/0+$/, "");
  return kept === "" ? { ...digits, digits: "", point: 0 } : { ...digits, digits: kept };
}

function roundUp(digits: Digits, count: number): Digits {
  let last = count - 1;
  while (last >= 0 && digits.digits[last] === "9") last -= 1;
  if (last < 0) return { ...digits, digits: "1", point: digits.point + 1 };
  const kept = digits.digits.slice(0, last) + String(Number(digits.digits[last]) + 1);
  return { ...digits, digits: kept };
}
