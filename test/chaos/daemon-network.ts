import { setTimeout as delay } from "node:timers/promises";
import { createNamespace } from "../harness/namespace.ts";
import { run } from "../harness/run.ts";
import type { Chaos, Scenario } from "./chaos.ts";
import { startFleet } from "./fleet.ts";
import { lostBuild } from "./lost-builds.ts";

const network = createNamespace("d");

/** A network, in which daemons are cut off in one of three ways. */
async function startCuttableFleet(defer: Chaos["defer"]) {
  network.add();
  defer(network.remove);
  return startFleet(defer, { host: network.outsideAddress });
}

/** One that is cut off, and hears nothing of it: neither side is told that the other does not get its words. */
function cutDaemon(
  { name, title }: Pick<Scenario, "name" | "title">,
  cut: () => void,
  mend: () => void,
): Scenario {
  return lostBuild({
    name,
    title: `${title} for 1 s to 2 min`,
    share: 10,
    seconds: 25,
    holdMs: 1_500,
    whyNot: network.whyNot,
    startFleet: startCuttableFleet,
    startDaemon: (fleet) => fleet.startDaemon({ prefix: network.inside() }),
    outcome: "ends",
    async strike({ chaos, daemon }) {
      // Seconds far more often than minutes: they are the ones that a lease may survive.
      const awayMs = Math.round(1_000 * 120 ** (chaos.random() ** 2));
      chaos.say(`cut for ${(awayMs / 1000).toFixed(1)} s`);
      cut();
      return async () => {
        await delay(awayMs);
        mend();
        return daemon;
      };
    },
  });
}

const link = (state: "up" | "down") => () => run("ip", "link", "set", network.outside, state);
const drop = (verb: "-A" | "-D", chain: "INPUT" | "OUTPUT") => () =>
  run(...network.inside("iptables", verb, chain, "-j", "DROP"));

export const daemonCut = cutDaemon(
  { name: "daemon-cut", title: "a daemon's network is down" },
  link("down"),
  link("up"),
);

export const daemonUnheard = cutDaemon(
  { name: "daemon-unheard", title: "nothing of a daemon's gets to its server" },
  drop("-A", "OUTPUT"),
  drop("-D", "OUTPUT"),
);

export const daemonUntold = cutDaemon(
  { name: "daemon-untold", title: "nothing of its server's gets to a daemon" },
  drop("-A", "INPUT"),
  drop("-D", "INPUT"),
);
