import { isIP } from "node:net";
import { CliError } from "../../cli-error.ts";

export type Protocol = "tcp" | "udp";

/** One local port that leads to one port in the workspace. */
export type PortForward = {
  protocol: Protocol;
  /** Undefined: both loopback addresses. */
  host: string | undefined;
  localPort: number;
  remotePort: number;
};

const maxForwards = 4096;

/**
 * Reads `[address:]local[-end][:remote[-end]]`, several with commas between them (agent-and-apps.md 2.4).
 *
 * @example
 * parseForwards("tcp", ["8080", "[::1]:9000-9001:3000-3001"])
 */
export function parseForwards(protocol: Protocol, specs: readonly string[]): PortForward[] {
  return specs.flatMap((spec) => spec.split(",")).flatMap((item) => parseItem(protocol, item.trim()));
}

function parseItem(protocol: Protocol, item: string): PortForward[] {
  const fail = (why: string) =>
    new CliError(`--${protocol}: "${item}" ${why}.`, {
      hint: "Write it as [ADDRESS:]LOCAL[:REMOTE], such as 8080, 8080:80, 127.0.0.2:8080:80, [::1]:8080 or 9000-9005.",
    });
  const match = /^(?:(\[[^\]]*\]|[^:[\]]*\.[^:[\]]*):)?(\d+(?:-\d+)?)(?::(\d+(?:-\d+)?))?$/.exec(item);
  if (!match) throw fail("is not a forward");
  const host = match[1]?.replace(/^\[|\]$/g, "");
  if (host !== undefined && isIP(host) === 0) throw fail(`names the address "${host}", which is none`);
  const local = range(match[2] ?? "", fail);
  const remote = match[3] === undefined ? local : range(match[3], fail);
  if (local.length !== remote.length) throw fail("has ranges of different lengths");
  return local.map((localPort, at) => ({ protocol, host, localPort, remotePort: remote[at] ?? localPort }));
}

function range(text: string, fail: (why: string) => CliError): number[] {
  const [first = "", last = first] = text.split("-");
  const [from, to] = [Number(first), Number(last)];
  for (const port of [from, to]) {
    if (port < 1 || port > 65_535) throw fail(`has the port ${port}, and ports go from 1 to 65535`);
  }
  if (to < from) throw fail("has a range that ends before it begins");
  if (to - from >= maxForwards) throw fail(`has more than ${maxForwards} ports`);
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

/** The same local port twice would lead to two places. */
export function refuseDuplicates(forwards: readonly PortForward[]): void {
  const seen = new Map<string, PortForward>();
  for (const forward of forwards) {
    const port = `${forward.protocol} ${forward.localPort}`;
    const clash = ["*", ...(forward.host ? [forward.host] : [])].some((host) => seen.has(`${port} ${host}`));
    const everywhere =
      forward.host === undefined &&
      [...seen.keys()].some((key) => key.startsWith(`${port} `) && isLoopback(key));
    if (clash || everywhere) {
      throw new CliError(`The local ${forward.protocol} port ${forward.localPort} is named twice.`, {
        hint: "Each local port can lead to one place.",
      });
    }
    seen.set(`${port} ${forward.host ?? "*"}`, forward);
  }
}

function isLoopback(key: string): boolean {
  return key.endsWith(" *") || key.endsWith(" 127.0.0.1") || key.endsWith(" ::1");
}
