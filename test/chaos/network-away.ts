import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { keepOutput, spawnCoder } from "../harness/coder-process.ts";
import { startCoderServer } from "../harness/coder-server.ts";
import { createLocalWorkspace } from "../harness/local-workspace.ts";
import { createNamespace } from "../harness/namespace.ts";
import { run } from "../harness/run.ts";
import { waitFor } from "../harness/wait-for.ts";
import type { Scenario } from "./chaos.ts";

const network = createNamespace("n");
const link = (state: "up" | "down") => run("ip", "link", "set", network.outside, state);
const awayMs = 180_000;
/** Within this the shell goes on when the network is back. */
const resumeMs = 2_000;

/** A client with a network of its own, whose link goes down without a word, as when a laptop leaves a network. */
export const networkAway: Scenario = {
  name: "network-away",
  title: "a client's network is away for 3 minutes, and its shell goes on within 2 s",
  seconds: 220,
  whyNot: network.whyNot,
  async run({ random, say, defer }) {
    network.add();
    defer(network.remove);
    const server = await startCoderServer({ host: network.outsideAddress });
    defer(() => server.close());
    await createLocalWorkspace(server);
    const shell = spawnCoder(["ssh", "dev", "--", "sh -c 'echo $$; exec cat'"], server.clientEnv, {
      stdio: "pipe",
      prefix: network.inside(),
    });
    defer(() => shell.kill());
    const output = keepOutput(shell.stdout);
    const errors = keepOutput(shell.stderr);
    await waitFor("the shell", () => /^\d+\n/.test(output.text()));
    let expected = output.text();
    const type = async (line: string, timeoutMs: number) => {
      expected += `${line}\n`;
      shell.stdin?.write(`${line}\n`);
      await waitFor(`"${line}" to come back`, () => output.text() === expected, { timeoutMs, everyMs: 10 });
    };
    await type("before", 5_000);
    // Where in the client's attempts the network comes back is a matter of luck.
    const ms = Math.round(awayMs + random() * 10_000);
    link("down");
    expected += "while it is away\n";
    shell.stdin?.write("while it is away\n");
    await delay(ms);
    assert.equal(shell.exitCode, null, errors.text());
    link("up");
    const backMs = performance.now();
    await type("after", 30_000);
    const tookMs = performance.now() - backMs;
    say(`away for ${(ms / 1000).toFixed(1)} s; went on ${tookMs.toFixed(0)} ms after its return`);
    assert.ok(tookMs <= resumeMs, `The shell went on ${tookMs.toFixed(0)} ms after the network's return.`);
    say(errors.text().trim());
  },
};
