import { isInteger, toBigInt } from "../values/decimal.ts";
import { listOf, STRING } from "../values/type.ts";
import { list, string, type Value } from "../values/value.ts";
import { type FunctionTable, numberOf, numeric, refuse, text, textOf, wholeOf } from "./define.ts";
import { formatAddress, type Network, networkText, parseNetwork } from "./ip-address.ts";

/** Functions about IP addresses and networks. */
export const NETWORK_FUNCTIONS: FunctionTable = {
  cidrhost: {
    parameters: [text, numeric],
    result: STRING,
    call: ([prefix, number]) => {
      const network = parseNetwork(textOf(prefix));
      const hosts = 1n << BigInt(network.bits - network.length);
      const host = bigOf(number);
      if (host >= hosts || -host > hosts)
        return refuse(`A network of ${hosts} addresses has none with the number ${host}.`);
      return string(formatAddress(network.address | (host < 0n ? hosts + host : host), network.bits));
    },
  },
  cidrnetmask: {
    parameters: [text],
    result: STRING,
    call: ([prefix]) => {
      const { bits, length } = parseNetwork(textOf(prefix));
      if (bits !== 32) return refuse("Only IPv4 networks have a netmask.");
      return string(formatAddress(maskOf(32, length), 32));
    },
  },
  cidrsubnet: {
    parameters: [text, numeric, numeric],
    result: STRING,
    call: ([prefix, newBits, number]) => {
      const network = parseNetwork(textOf(prefix));
      const extra = wholeOf(newBits, "number of bits");
      const length = network.length + extra;
      if (extra < 0) return refuse("The number of bits can't be negative.");
      if (length > network.bits)
        return refuse(`A prefix of ${network.length} bits can't be extended by ${extra}.`);
      const subnet = bigOf(number);
      if (subnet < 0n || subnet >= 1n << BigInt(extra)) {
        return refuse(`With ${extra} more bits there is no network with the number ${subnet}.`);
      }
      const address = network.address | (subnet << BigInt(network.bits - length));
      return string(networkText({ ...network, address, length }));
    },
  },
  cidrsubnets: {
    parameters: [text],
    rest: numeric,
    result: listOf(STRING),
    call: ([prefix, ...newBits]) => list(STRING, subnets(parseNetwork(textOf(prefix)), newBits).map(string)),
  },
};

function bigOf(value: Value | undefined): bigint {
  const found = numberOf(value);
  return isInteger(found) ? toBigInt(found) : refuse("The number must be a whole number.");
}

function maskOf(bits: number, length: number): bigint {
  return ((1n << BigInt(length)) - 1n) << BigInt(bits - length);
}

/** One network after another, each at the next place that its size allows. */
function subnets(network: Network, newBits: readonly Value[]): string[] {
  // Terraform counts from the network before the first one, which must therefore exist.
  if (network.address === 0n && newBits.length > 0)
    return refuse("The network that begins with zero can't be divided.");
  const end = network.address + (1n << BigInt(network.bits - network.length));
  let next = network.address;
  return newBits.map((value, i) => {
    const extra = wholeOf(value, "number of bits");
    if (extra < 1 || extra > 32) return refuse("A prefix can be extended by 1 to 32 bits.");
    const length = network.length + extra;
    if (length > network.bits)
      return refuse(`A prefix of ${network.length} bits can't be extended by ${extra}.`);
    const size = 1n << BigInt(network.bits - length);
    const address = ((next + size - 1n) / size) * size;
    if (address + size > end) return refuse(`There is no space left for the network number ${i + 1}.`);
    next = address + size;
    return networkText({ ...network, address, length });
  });
}
