import { run } from "./run.ts";

/** A network namespace, tied to the machine by a link of two ends. */
export type Namespace = {
  /** The end outside of it. */
  outside: string;
  outsideAddress: string;
  /** Words that run a command inside. */
  inside(...command: string[]): [string, ...string[]];
  add(): void;
  remove(): void;
  /** Why there can be none, or null. */
  whyNot(): string | null;
};

let count = 0;

/** The letter tells namespaces of one process apart; those of others have other names and addresses. */
export function createNamespace(letter: string): Namespace {
  const name = `slw${letter}${process.pid}`;
  const [outside, inner] = [`${name}0`, `${name}1`];
  // One of the 32,768 networks of four addresses in 198.18.0.0/15, which RFC 2544 sets apart for tests.
  const first = ((process.pid * 4 + count++) % 32_768) * 4;
  const address = (host: number) =>
    [198, 18 + (first >> 16), (first >> 8) & 255, (first & 255) + host].join(".");
  const outsideAddress = address(1);
  const ip = (...args: string[]) => run("ip", ...args);
  const inside = (...command: string[]): [string, ...string[]] => ["ip", "netns", "exec", name, ...command];

  function add(): void {
    remove();
    ip("netns", "add", name);
    ip("link", "add", outside, "type", "veth", "peer", "name", inner, "netns", name);
    ip("addr", "add", `${outsideAddress}/30`, "dev", outside);
    ip("link", "set", outside, "up");
    ip("-netns", name, "addr", "add", `${address(2)}/30`, "dev", inner);
    ip("-netns", name, "link", "set", inner, "up");
    ip("-netns", name, "link", "set", "lo", "up");
  }

  function remove(): void {
    for (const args of [
      ["link", "del", outside],
      ["netns", "del", name],
    ]) {
      try {
        ip(...args);
      } catch {
        // It is not there.
      }
    }
  }

  return {
    outside,
    outsideAddress,
    inside,
    add,
    remove,
    whyNot() {
      if (process.platform !== "linux" || process.getuid?.() !== 0) {
        return "network namespaces need Linux and root";
      }
      try {
        add();
        run(...inside("iptables", "-L"));
        return null;
      } catch (error) {
        return `this kernel makes no network namespace with a link and a filter (${error})`;
      } finally {
        remove();
      }
    },
  };
}
