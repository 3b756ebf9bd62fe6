import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { finished, spawnCoder } from "../harness/coder-process.ts";
import { type CoderServer, sharedCacheDir, startCoderServer } from "../harness/coder-server.ts";
import { type DockerDaemon, startDockerDaemon, whyNoBridge, whyNoDocker } from "../harness/docker-daemon.ts";
import { removeData } from "../harness/remove-data.ts";

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

describe("coder up where a Docker engine answers", () => {
  const missing = whyNoBridge();
  const name = missing === null ? "" : ` (cannot be tried: ${missing})`;
  let home: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    if (missing !== null) return;
    home = await mkdtemp(join(tmpdir(), "slipway-up-docker-"));
    env = {
      HOME: home,
      SLIPWAY_UP_DIR: join(home, "up"),
      CODER_CACHE_DIRECTORY: sharedCacheDir,
      DOCKER_HOST: engine!.host,
    };
    // Under the name of the image that the starter template uses, which no registry here has.
    const source = await readFile(join(template, "main.tf"), "utf8");
    await engine!.docker("tag", image, /variable "image" \{[^}]*?default\s*=\s*"([^"]+)"/.exec(source)![1]!);
  });

  afterAll(async () => {
    if (missing !== null) return;
    await coder("down");
    await removeData(home, join(home, "up/config"));
  });

  const coder = (...args: string[]) => finished(spawnCoder(args, env));

  test.skipIf(missing !== null)(
    `makes the workspace a container${name}`,
    async () => {
      const first = await coder("up", "--", "busybox | head -n 1; hostname; echo kept > note");
      expect(first, first.stderr).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^BusyBox .*\ndev\n$/),
      });
      expect(await engine!.docker("ps", "--format", "{{.Names}}")).toMatch(/^coder-\S+-dev$/);

      const again = await coder("up", "--", "cat note");
      expect(again, again.stderr).toMatchObject({ code: 0, stdout: "kept\n", stderr: "" });

      expect(await coder("down")).toMatchObject({ code: 0 });
      expect(await engine!.docker("ps", "--all", "--quiet")).toBe("");
      const back = await coder("up", "--", "cat note");
      expect(back, back.stderr).toMatchObject({ code: 0, stdout: "kept\n" });
    },
    600_000,
  );

  test.skipIf(missing !== null)(`listens on the loopback interface and the bridge only${name}`, async () => {
    const { port } = JSON.parse(await readFile(join(home, "up/state.json"), "utf8"));
    for (const host of ["127.0.0.1", engine!.gateway]) {
      expect((await fetch(`http://${host}:${port}/healthz`)).status).toBe(200);
    }
    await expect(fetch(`http://127.0.0.2:${port}/healthz`)).rejects.toThrow();
  });
});
