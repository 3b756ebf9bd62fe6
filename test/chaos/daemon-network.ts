import { setTimeout as delay } from "node:timers/promises";
import { run, startFleet } from "./fleet.ts";
import { lostBuild } from "./lost-builds.ts";
import { createNamespace } from "./namespace.ts";

const network = createNamespace({ name: "slipway-daemon", subnet: "172.30.252" });

/** Down, or packets get through in one direction only. */
const cuts = {
  "is down": [
    () => run("ip", "link", "set", network.outside, "down"),
    () => run("ip", "link", "set", network.outside, "up"),
  ],
  "takes nothing from the daemon": oneWay("OUTPUT"),
  "brings nothing to the daemon": oneWay("INPUT"),
} as const;

function oneWay(chain: "INPUT" | "OUTPUT") {
  const rule = (verb: "-A" | "-D") => () => run(...network.inside("iptables", verb, chain, "-j", "DROP"));
  return [rule("-A"), rule("-D")] as const;
}

export const daemonCut = lostBuild({
  name: "daemon-cut",
  title: "a daemon's network is cut for 1 s to 2 min, also one way",
  whyNot: network.whyNot,
  async startFleet(defer) {
    network.add();
    defer(network.remove);
    return startFleet(defer, network.outsideAddress);
  },
  startDaemon: (_chaos, fleet) => fleet.startDaemon({ prefix: network.inside() }),
  isFatal: false,
  async strike({ chaos, daemon }) {
    const ways = Object.keys(cuts) as (keyof typeof cuts)[]; // Those above.
    const way = ways[Math.floor(chaos.random() * ways.length)] ?? "is down";
    // Seconds more often than minutes: they are the ones that a lease may survive.
    const awayMs = Math.round(1_000 + 119_000 * chaos.random() ** 4);
    const [cut, mend] = cuts[way];
    chaos.say(`the network ${way} for ${(awayMs / 1000).toFixed(1)} s`);
    cut();
    return async () => {
      await delay(awayMs);
      mend();
      return daemon;
    };
  },
});
