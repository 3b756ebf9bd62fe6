import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { startCoderServer } from "../harness/coder-server.ts";
import { startExternalDaemon } from "../harness/external-daemon.ts";
import { createNamespace } from "../harness/namespace.ts";
import { pushTemplate, thingTemplate } from "../harness/template.ts";

const network = createNamespace("i");
const missing = network.whyNot();
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

describe.skipIf(missing !== null)(`a daemon without a route but to its server${suffix}`, () => {
  test("builds imported templates: a warm build opens no connection", async () => {
    await using cleanup = new AsyncDisposableStack();
    network.add();
    cleanup.defer(network.remove);
    const server = await startCoderServer({
      host: network.outsideAddress,
      env: { CODER_PROVISIONER_DAEMONS: "0" },
    });
    let stopDaemon: () => Promise<unknown> = async () => {};
    cleanup.defer(async () => {
      // It needs a daemon to delete what a failed test left.
      await server.close();
      await stopDaemon();
    });
    const credential = { CODER_SESSION_TOKEN: server.ownerToken };
    const importer = await startExternalDaemon({ url: server.url, name: "importer", env: credential });
    await importer.connected();
    await pushTemplate(server.owner, "warm", thingTemplate);
    await importer.exit("SIGTERM");

    const daemon = await startExternalDaemon({
      url: server.url,
      name: "islander",
      env: credential,
      prefix: network.inside(),
    });
    stopDaemon = () => daemon.exit("SIGTERM");
    await daemon.connected();

    const before = begun(daemon.child.pid ?? 0);
    // The counters are alive: it has connected to the server.
    expect(before.connections).toBeGreaterThan(0);
    for (const args of [
      ["create", "dev", "--template", "warm", "--yes"],
      ["stop", "dev", "--yes"],
      ["start", "dev", "--yes"],
      ["delete", "dev", "--yes"],
    ]) {
      const { code, stdout, stderr } = await server.coder(args);
      expect(code, `coder ${args.join(" ")}\n${stdout}\n${stderr}\n${daemon.log()}`).toBe(0);
    }
    expect(begun(daemon.child.pid ?? 0)).toEqual(before);
    expect(daemon.log().match(/job ended.*outcome=success/g)).toHaveLength(4);
  });
});
