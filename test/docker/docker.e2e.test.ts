import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { type DockerDaemon, startDockerDaemon, whyNoBridge, whyNoDocker } from "../harness/docker-daemon.ts";

const template = join(import.meta.dirname, "../../examples/docker");
const image = "slipway-test:busybox";

/** Where no registry has the provider of Docker, the first push on a machine builds it from its Go module. */
const providerBuildMs = 20 * 60_000;

const modes = [
  { mode: "bridge", missing: whyNoBridge() },
  { mode: "host", missing: whyNoDocker() },
];

let engine: DockerDaemon | undefined;

beforeAll(async () => {
  if (whyNoDocker() !== null) return;
  engine = await startDockerDaemon();
  await engine.importBusybox(image);
});

afterAll(async () => engine?.stop());

describe.each(modes)('the docker template on the network "$mode"', ({ mode, missing }) => {
  // The name in the summary says what this machine lacks.
  const name = missing === null ? "" : ` (cannot be tried: ${missing})`;

  describe.skipIf(missing !== null)(`with a real engine${name}`, () => {
    let server: CoderServer;
    const docker = (...args: string[]) => engine!.docker(...args);

    beforeAll(async () => {
      server = await startCoderServer(
        // As `up` does it: the server listens where containers find it, and calls itself localhost.
        mode === "bridge" ? { host: engine!.gateway, accessHost: "localhost" } : {},
      );
      const variables = { image, network_mode: mode, docker_socket: engine!.host };
      const flags = Object.entries(variables).flatMap(([key, value]) => ["--variable", `${key}=${value}`]);
      const push = ["templates", "push", "docker", "--directory", template, ...flags, "--yes"];
      const { code, stderr } = await server.coder(push, { timeoutMs: providerBuildMs });
      if (code !== 0) expect.fail(`${stderr}\n${server.log()}`);
    }, providerBuildMs);

    afterAll(() => server?.close());

    async function coder(...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await server.coder(args);
      if (code !== 0) {
        const id = await docker("ps", "--all", "--quiet");
        const containerLog = id === "" ? "" : await docker("logs", "--tail", "50", id);
        expect.fail(`coder ${args.join(" ")}\n${stdout}\n${stderr}\n${server.log()}\n${containerLog}`);
      }
      return stdout;
    }

    const containers = () => docker("ps", "--all", "--format", "{{.Names}} {{.State}}");
    const volumes = () => docker("volume", "ls", "--quiet");

    test("makes a workspace of a bare image, keeps its home over stop and start, and deletes it", async () => {
      await coder("create", "box", "--template", "docker", "--yes");
      expect(await containers()).toBe("coder-alice-box running");
      expect(
        await coder("ssh", "box", "--", "echo kept > ~/note; echo lost > /note; busybox | head -n 1; pwd"),
      ).toMatch(/^BusyBox .*\n\/home\/coder\n$/);

      await coder("stop", "box", "--yes");
      expect(await containers()).toBe("");
      expect(await volumes()).toMatch(/^coder-[0-9a-f-]{36}-home$/);

      await coder("start", "box", "--yes");
      expect(await coder("ssh", "box", "--", "cat ~/note; ls /note 2>&1 || true")).toBe(
        "kept\nls: /note: No such file or directory\n",
      );

      await coder("delete", "box", "--yes");
      expect(await containers()).toBe("");
      expect(await volumes()).toBe("");
    });
  });
});
