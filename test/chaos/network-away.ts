import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { cleanEnvironment, coderCommand, keepOutput } from "../harness/coder-process.ts";
import { startCoderServer } from "../harness/coder-server.ts";
import { createLocalWorkspace } from "../harness/local-workspace.ts";
import { waitFor } from "../harness/wait-for.ts";
import type { Scenario } from "./chaos.ts";

const namespace = "slipway-chaos";
const [outside, inside] = ["slipwaychaos0", "slipwaychaos1"];
const [serverAddress, clientAddress] = ["172.30.251.1", "172.30.251.2"];
const awayMs = 180_000;
/** Within this the shell goes on when the network is back. */
const resumeMs = 2_000;

/** A client with a network of its own, whose link goes down without a word, as when a laptop leaves a network. */
export const networkAway: Scenario = {
  name: "network-away",
  title: "a client's network is away for 3 minutes, and its shell goes on within 2 s",
  whyNot() {
    if (process.platform !== "linux" || process.getuid?.() !== 0)
      return "network namespaces need Linux and root";
    try {
      removeNetwork();
      addNetwork();
      return null;
    } catch (error) {
      return `this kernel makes no network namespace with a link (${error})`;
    } finally {
      removeNetwork();
    }
  },
  async run({ random, say, defer }) {
    addNetwork();
    defer(removeNetwork);
    const server = await startCoderServer({ host: serverAddress });
    defer(() => server.close());
    await createLocalWorkspace(server);
    const shell = spawn(
      "ip",
      ["netns", "exec", namespace, ...coderCommand, "ssh", "dev", "--", "sh -c 'echo $$; exec cat'"],
      { env: { ...cleanEnvironment(), ...server.clientEnv }, stdio: "pipe" },
    );
    defer(() => shell.kill());
    const output = keepOutput(shell.stdout);
    const errors = keepOutput(shell.stderr);
    await waitFor("the shell", () => /^\d+\n/.test(output.text()));
    let expected = output.text();
    const type = async (line: string, timeoutMs: number) => {
      expected += `${line}\n`;
      shell.stdin.write(`${line}\n`);
      await waitFor(`"${line}" to come back`, () => output.text() === expected, { timeoutMs, everyMs: 10 });
    };
    await type("before", 5_000);
    // Where in the client's attempts the network comes back is a matter of luck.
    const ms = Math.round(awayMs + random() * 10_000);
    link("down");
    expected += "while it is away\n";
    shell.stdin.write("while it is away\n");
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

function addNetwork(): void {
  ip("netns", "add", namespace);
  ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", namespace);
  ip("addr", "add", `${serverAddress}/30`, "dev", outside);
  link("up");
  for (const args of [
    ["addr", "add", `${clientAddress}/30`, "dev", inside],
    ["link", "set", inside, "up"],
    ["link", "set", "lo", "up"],
  ]) {
    ip("-netns", namespace, ...args);
  }
}

function removeNetwork(): void {
  for (const args of [
    ["link", "del", outside],
    ["netns", "del", namespace],
  ]) {
    try {
      ip(...args);
    } catch {
      // It is not there.
    }
  }
}

const link = (state: "up" | "down") => ip("link", "set", outside, state);

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
