import { refuse } from "./define.ts";

/** A network: its first address as a number, how many bits addresses have, and how many of them are its prefix. */
export type Network = { address: bigint; bits: 32 | 128; length: number };

/** Reads `10.0.0.0/8` or `fd00::/64`; bits behind the prefix are set to zero. */
export function parseNetwork(text: string): Network {
  const [, written = "", digits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const invalid = () => refuse(`${JSON.stringify(text)} is no network, such as "10.0.0.0/8".`);
  const found = parseAddress(written);
  if (found === null || digits === "") return invalid();
  const length = Number(digits);
  if (length > found.bits) return invalid();
  const hostBits = BigInt(found.bits - length);
  return { bits: found.bits, length, address: (found.value >> hostBits) << hostBits };
}

function parseAddress(text: string): { value: bigint; bits: 32 | 128 } | null {
  if (!text.includes(":")) {
    const value = parseFour(text);
    return value === null ? null : { value, bits: 32 };
  }
  return parseSix(text);
}

/** Terraform takes leading zeros in the parts of an address, and reads them as decimal. */
function parseFour(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,8}$/.test(part) && Number(part) <= 255))
    return null;
  return parts.reduce((value, part) => (value << 8n) | BigInt(Number(part)), 0n);
}

function parseSix(text: string): { value: bigint; bits: 128 } | null {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const four = tail === null ? null : parseFour(tail[2] ?? "");
  if (tail !== null && four === null) return null;
  const written =
    four === null ? text : `${tail?.[1]}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`;
  const halves = written.split("::");
  if (halves.length > 2) return null;
  const [head = [], rest = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - rest.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => "0"), ...rest];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null;
  return { bits: 128, value: groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n) };
}

export function networkText({ address, bits, length }: Network): string {
  return `${formatAddress(address, bits)}/${length}`;
}

/** An address as RFC 5952 has it: the longest run of zero groups is left out. */
export function formatAddress(value: bigint, bits: 32 | 128): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  // An IPv4 address in an IPv6 one is written as the former, as Go does.
  if (value >> 32n === 0xffffn) return formatAddress(value & 0xffffffffn, 32);
  const runs = [
    ...groups
      .map((group) => (group === "0" ? "0" : "x"))
      .join("")
      .matchAll(/00+/g),
  ];
  const length = Math.max(0, ...runs.map(([run]) => run.length));
  const start = runs.find(([run]) => run.length === length)?.index;
  if (start === undefined) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}
