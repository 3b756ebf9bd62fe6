import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanEnvironment, finished, keepOutput } from "../harness/coder-process.ts";
import { type CoderServer, freePort, startCoderServer } from "../harness/coder-server.ts";
import { createLocalWorkspace } from "../harness/local-workspace.ts";
import { waitFor } from "../harness/wait-for.ts";

let server: CoderServer;
let dir: string;
let config: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-openssh-"));
  config = join(dir, "ssh config");
  server = await startCoderServer();
  await createLocalWorkspace(server);
  // Other programs start the command line without our variables: its session is in the configuration directory.
  const { CODER_CONFIG_DIR: client = "" } = server.clientEnv;
  await mkdir(client, { recursive: true });
  await writeFile(join(client, "url"), server.url);
  await writeFile(join(client, "session"), server.ownerToken, { mode: 0o600 });
});

afterAll(async () => {
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

const configSsh = (...args: string[]) => server.coder(["config-ssh", "--ssh-config-file", config, ...args]);

function run(program: string, args: readonly string[], input?: string | Buffer, env = {}) {
  const child = spawn(program, ["-F", config, ...args], { env: { ...cleanEnvironment(), ...env }, cwd: dir });
  return finished(child, input);
}

const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

describe("config-ssh", () => {
  test("shows what it will do, does it once, and leaves the rest of the file alone", async () => {
    const mine = "# mine\nHost other\n  Port 2222\n";
    await writeFile(config, mine, { mode: 0o640 });
    const dry = await configSsh("--dry-run");
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.stdout).toContain("+ Host coder.*\n");
    expect(await readFile(config, "utf8")).toBe(mine);

    expect((await configSsh()).stderr).toContain("Give --yes.");
    expect(await configSsh("--yes", "-o", "ServerAliveInterval=7", "-o", "LogLevel=")).toMatchObject({
      code: 0,
    });
    const written = await readFile(config, "utf8");
    expect(written.startsWith(mine)).toBe(true);
    expect(written).toContain("# :ssh-option=ServerAliveInterval=7\n");
    expect(written).toContain("\tServerAliveInterval 7\n");
    expect(written).not.toContain("LogLevel ERROR");

    expect((await configSsh("--yes", "--use-previous-options")).stderr).toContain("is up to date");
    expect(await configSsh("--yes")).toMatchObject({ code: 0 });
    const again = await readFile(config, "utf8");
    expect(again).toContain("LogLevel ERROR");
    expect(again).toContain("Ciphers ^aes128-gcm@openssh.com");
    expect(again.match(/START-CODER/g)).toHaveLength(1);
  });

  test("a damaged section is left to its owner", async () => {
    const before = await readFile(config, "utf8");
    await writeFile(config, before.replace("# ------------END-CODER------------", ""));
    expect(await configSsh("--yes")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("damaged section"),
    });
    await writeFile(config, before);
  });
});

describe("OpenSSH's programs", () => {
  test("ssh: output, stdin, exit status, terminal, both kinds of name", async () => {
    for (const host of ["coder.dev", "dev.coder", "main.dev.alice.coder", "coder.alice--dev--main"]) {
      const result = await run("ssh", [host, "cat; echo err >&2; exit 6"], "through\n");
      expect(result, host).toMatchObject({ code: 6, stdout: "through\n", stderr: "err\n" });
    }
    expect((await run("ssh", ["-tt", "coder.dev", "tty"])).stdout).toMatch(/^\/dev\/pts\/\d+\r\n/);
  });

  test("scp, sftp and rsync move files whole", async () => {
    const data = randomBytes(20_000_000);
    await writeFile(join(dir, "big"), data);
    for (const flags of [[], ["-O"]]) {
      expect(await run("scp", [...flags, "big", "coder.dev:copy"])).toMatchObject({ code: 0 });
      expect((await run("ssh", ["coder.dev", "sha256sum < copy"])).stdout).toContain(sha256(data));
      expect(await run("scp", [...flags, "coder.dev:copy", "back"])).toMatchObject({ code: 0 });
      expect(sha256(await readFile(join(dir, "back")))).toBe(sha256(data));
    }
    const sftp = await run(
      "sftp",
      ["-b", "-", "coder.dev"],
      "mkdir d\nput big d/b\nls -l d\nget d/b got\nrm d/b\nrmdir d\n",
    );
    expect(sftp).toMatchObject({ code: 0 });
    expect(sha256(await readFile(join(dir, "got")))).toBe(sha256(data));

    await mkdir(join(dir, "tree/sub"), { recursive: true });
    await writeFile(join(dir, "tree/sub/leaf"), "green");
    const rsync = spawn("rsync", ["-a", "-e", `ssh -F '${config}'`, "tree/", "coder.dev:tree"], {
      env: cleanEnvironment(),
      cwd: dir,
    });
    expect(await finished(rsync)).toMatchObject({ code: 0 });
    expect((await run("ssh", ["coder.dev", "cat tree/sub/leaf"])).stdout).toBe("green");
  });

  test("a transfer and a forwarded port go on over restarts of the server", async () => {
    const data = randomBytes(48_000_000);
    await writeFile(join(dir, "large"), data);
    const port = await freePort();
    const target = await freePort();
    const service = spawn(
      process.execPath,
      ["-e", `require("node:net").createServer((s) => s.pipe(s)).listen(${target}, "127.0.0.1")`],
      { stdio: "ignore" },
    );
    const forward = spawn("ssh", ["-F", config, "-N", "-L", `${port}:127.0.0.1:${target}`, "coder.dev"], {
      env: cleanEnvironment(),
      stdio: "ignore",
    });
    try {
      let echoed = "";
      const socket = await waitFor("the forwarded port", () => tryConnect(port));
      socket.on("data", (chunk) => {
        echoed += chunk;
      });
      socket.write("before ");
      await waitFor("the echo", () => echoed === "before ");

      // Slow enough for three restarts to hit it.
      const copying = run("scp", ["-l", "64000", "large", "coder.dev:large"]);
      let isCopying = true;
      void copying.then(() => {
        isCopying = false;
      });
      for (let i = 0; i < 3; i++) {
        const size = Number(
          (await run("ssh", ["coder.dev", "stat -c %s large 2>/dev/null || echo 0"])).stdout,
        );
        await waitFor("more of the file", async () => {
          const { stdout } = await run("ssh", ["coder.dev", "stat -c %s large 2>/dev/null || echo 0"]);
          return Number(stdout) > size || !isCopying;
        });
        await server.stop(i === 1 ? "SIGTERM" : "SIGKILL");
        await server.start();
      }
      expect(await copying).toMatchObject({ code: 0 });
      expect((await run("ssh", ["coder.dev", "sha256sum < large"])).stdout).toContain(sha256(data));
      socket.write("after");
      await waitFor("the echo after the restarts", () => echoed === "before after");
      socket.destroy();
    } finally {
      forward.kill();
      service.kill();
    }
  });
});

describe("X11", () => {
  const missing = whyNoScreen();

  test.skipIf(missing !== "")(`programs in the workspace open windows on our screen${missing}`, async () => {
    const cookies = join(dir, "Xauthority");
    // The number is found by the server itself; the cookie must be there before.
    const cookie = randomBytes(16).toString("hex");
    execFileSync("xauth", ["-q", "-f", cookies, "add", ":0", ".", cookie]);
    const screen = spawn("Xvfb", ["-displayfd", "3", "-auth", cookies, "-nolisten", "tcp"], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    try {
      const number = keepOutput(screen.stdio[3] as Readable); // Opened for reading by "pipe".
      await waitFor("the screen", () => number.text().includes("\n"));
      const display = `:${number.text().trim()}`;
      execFileSync("xauth", ["-q", "-f", cookies, "add", display, ".", cookie]);
      const env = { DISPLAY: display, XAUTHORITY: cookies };

      expect(await configSsh("--yes")).toMatchObject({ code: 0 });
      const shown = await run("ssh", ["-Y", "coder.dev", "xdpyinfo"], "", env);
      expect(shown, shown.stderr).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^name of display: +\S+:\d+\.0\n.*\nscreen #0:\n/s),
      });
      const listed = await run("ssh", ["-Y", "coder.dev", "xauth list"], "", env);
      expect(listed.stdout).toMatch(/ +MIT-MAGIC-COOKIE-1 +[0-9a-f]{32}\n/);
      // The real one stays here.
      expect(listed.stdout).not.toContain(cookie);

      const refused = await run("ssh", ["-x", "coder.dev", "xdpyinfo"], "", env);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("unable to open display") });
    } finally {
      screen.kill();
    }
  });
});

function whyNoScreen(): string {
  for (const [program, flag] of [
    ["Xvfb", "-help"],
    ["xauth", "-V"],
    ["xdpyinfo", "-version"],
  ] as const) {
    if (spawnSync(program, [flag], { stdio: "ignore" }).error !== undefined)
      return ` (cannot be tried: ${program} is not installed)`;
  }
  return "";
}

function tryConnect(port: number): Promise<import("node:net").Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(socket)).once("error", reject);
  });
}
