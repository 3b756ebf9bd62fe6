import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cleanEnvironment, coderCommand, keepOutput } from "../harness/coder-process.ts";
import { sharedCacheDir, startCoderServer } from "../harness/coder-server.ts";
import { startExternalDaemon } from "../harness/external-daemon.ts";
import { pushTemplate } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";

const namespace = `slipway-warm-${process.pid}`;
const [outside, inside] = [`slw${process.pid}a`, `slw${process.pid}b`];
const [serverAddress, daemonAddress] = ["172.30.237.1", "172.30.237.2"];

const ip = (...args: string[]) => execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });

/** A network of its own for the daemon, with one link to the server and no route to anywhere else. */
function addNetwork(): void {
  ip("netns", "add", namespace);
  ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", namespace);
  ip("addr", "add", `${serverAddress}/30`, "dev", outside);
  ip("link", "set", outside, "up");
  ip("-netns", namespace, "addr", "add", `${daemonAddress}/30`, "dev", inside);
  ip("-netns", namespace, "link", "set", inside, "up");
  ip("-netns", namespace, "link", "set", "lo", "up");
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

function whyNot(): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return "network namespaces need Linux and root";
  }
  try {
    addNetwork();
    return null;
  } catch (error) {
    return `this kernel makes no network namespace with a link (${error})`;
  } finally {
    removeNetwork();
  }
}

const missing = whyNot();
const suffix = missing === null ? "" : ` [skipped: ${missing}]`;

/** What the processes of a network began since it was made: the kernel counts for each network by itself. */
function begun(pid: number) {
  const lines = readFileSync(`/proc/${pid}/net/snmp`, "utf8").split("\n");
  const count = (protocol: string, name: string) => {
    const [names = [], values = []] = lines
      .filter((line) => line.startsWith(`${protocol}:`))
      .map((line) => line.split(" "));
    return Number(values[names.indexOf(name)]);
  };
  return {
    connections: count("Tcp", "ActiveOpens"),
    datagrams: count("Udp", "OutDatagrams"),
    withoutRoute: count("Ip", "OutNoRoutes"),
  };
}

const template = {
  "main.tf": `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
  input = data.coder_workspace.me.name
}
`,
};

describe.skipIf(missing !== null)(`a daemon without a route but to its server${suffix}`, () => {
  test("builds imported templates: a warm build opens no connection", async () => {
    await using cleanup = new AsyncDisposableStack();
    addNetwork();
    cleanup.defer(removeNetwork);
    const server = await startCoderServer({
      host: serverAddress,
      env: { CODER_PROVISIONER_DAEMONS: "0" },
    });
    let stopDaemon = async () => {};
    cleanup.defer(async () => {
      // It needs a daemon to delete what a failed test left.
      await server.close();
      await stopDaemon();
    });
    const credential = { CODER_SESSION_TOKEN: server.ownerToken };
    const importer = await startExternalDaemon({ url: server.url, name: "importer", env: credential });
    await importer.connected();
    await pushTemplate(server.owner, "warm", template);
    await importer.exit("SIGTERM");

    const configDir = await mkdtemp(join(tmpdir(), "slipway-daemon-"));
    cleanup.defer(() => rm(configDir, { recursive: true, force: true }));
    const daemon = spawn(
      "ip",
      ["netns", "exec", namespace, ...coderCommand, "provisioner", "start", "--name", "islander"],
      {
        env: {
          ...cleanEnvironment(),
          CODER_URL: server.url,
          CODER_CONFIG_DIR: configDir,
          CODER_CACHE_DIRECTORY: sharedCacheDir,
          CODER_NO_VERSION_WARNING: "true",
          ...credential,
        },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const output = keepOutput(daemon.stdout, daemon.stderr);
    const ended = once(daemon, "close");
    stopDaemon = async () => {
      daemon.kill("SIGTERM");
      await ended;
    };
    await waitFor(
      "the daemon",
      () => {
        if (daemon.exitCode !== null) throw new Error(output.text());
        return output.text().includes("successfully connected to coderd");
      },
      { timeoutMs: 20_000 },
    ).catch((err: unknown) => {
      throw new Error(output.text(), { cause: err });
    });

    const before = begun(daemon.pid ?? 0);
    // The counters are alive: it has connected to the server.
    expect(before.connections).toBeGreaterThan(0);
    for (const args of [
      ["create", "dev", "--template", "warm", "--yes"],
      ["stop", "dev", "--yes"],
      ["start", "dev", "--yes"],
      ["delete", "dev", "--yes"],
    ]) {
      const { code, stdout, stderr } = await server.coder(args);
      expect(code, `coder ${args.join(" ")}\n${stdout}\n${stderr}\n${output.text()}`).toBe(0);
    }
    expect(begun(daemon.pid ?? 0)).toEqual(before);
    expect(output.text().match(/job ended.*outcome=success/g)).toHaveLength(4);
  });
});
