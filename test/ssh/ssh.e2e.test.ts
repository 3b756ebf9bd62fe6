import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanEnvironment, finished, keepOutput, spawnCoder } from "../harness/coder-process.ts";
import { type CoderServer, freePort, startCoderServer } from "../harness/coder-server.ts";
import { createLocalWorkspace } from "../harness/local-workspace.ts";
import { waitFor } from "../harness/wait-for.ts";
import { waitForAgent } from "../harness/workspaces.ts";

let server: CoderServer;
let workspaceId: string;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-ssh-"));
  server = await startCoderServer();
  workspaceId = (await createLocalWorkspace(server)).id;
});

afterAll(async () => {
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

const ssh = (...args: string[]) => server.coder(["ssh", ...args]);

describe("a command in the workspace", () => {
  test("has our stdin, its own stdout and stderr, and its exit status", async () => {
    const result = await ssh("dev", "--", "cat; echo trouble >&2; exit 7");
    expect(result).toMatchObject({ code: 7, stdout: "", stderr: "trouble\n" });
    const input = randomBytes(3_000_000);
    const sum = await server.coder(["ssh", "dev", "--", "wc", "-c"], { input });
    expect(sum).toMatchObject({ code: 0, stdout: "3000000\n", stderr: "" });
    expect((await ssh("dev", "--", "kill -KILL $$")).code).toBe(137);
  });

  test("sees the session's environment", async () => {
    const { stdout } = await ssh(
      "-e",
      "GREETING=hello there",
      "dev",
      "--",
      'echo "$GREETING $CODER_WORKSPACE_NAME"',
    );
    expect(stdout).toBe("hello there dev\n");
  });

  test("is found by every form of the name", async () => {
    for (const name of [
      "dev",
      "alice/dev",
      "dev.main",
      "alice/dev.main",
      "alice--dev--main",
      "alice--dev.main",
    ]) {
      expect(await ssh(name, "--", "echo here"), name).toMatchObject({ code: 0, stdout: "here\n" });
    }
    const suffixed = await ssh("--hostname-suffix", "coder", "main.dev.alice.coder", "--", "echo here");
    expect(suffixed.stdout).toBe("here\n");
    const prefixed = await ssh("--ssh-host-prefix", "x.", "x.dev", "--", "echo here");
    expect(prefixed.stdout).toBe("here\n");
  });

  test("what cannot be reached is told, with the next step", async () => {
    expect(await ssh("nowhere", "--", "true")).toMatchObject({
      code: 1,
      stderr: 'error: workspace "nowhere" not found\nList those that you can use: coder list --all\n',
    });
    expect((await ssh("dev.other", "--", "true")).stderr).toContain("It has: main.");
    expect((await ssh("-R", "80", "dev")).stderr).toContain("REMOTE_PORT:LOCAL_ADDRESS:LOCAL_PORT");
  });
});

test("a terminal: size, change of size, Ctrl-C, exit status", async () => {
  const { spawn: spawnPty } = await import("@lydell/node-pty");
  const launcher = join(import.meta.dirname, "../../packages/cli/src/main.ts");
  const terminal = spawnPty(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", launcher, "ssh", "dev"],
    {
      cols: 100,
      rows: 30,
      env: { ...cleanEnvironment(), ...server.clientEnv, TERM: "xterm-256color" },
    },
  );
  let screen = "";
  terminal.onData((data) => {
    screen += data;
  });
  const exited = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
  const shows = (text: string) => waitFor(JSON.stringify(text), () => screen.includes(text));
  terminal.write("echo size $(stty size) $TERM\r");
  await shows("size 30 100 xterm-256color");
  terminal.resize(81, 21);
  await waitFor(
    "the new size",
    () => {
      terminal.write("echo now $(stty size)\r");
      return screen.includes("now 21 81");
    },
    { everyMs: 200 },
  );
  terminal.write("sleep 1000\r");
  await shows("sleep 1000");
  // A shell drops what was typed behind a Ctrl-C, and a Ctrl-C before the sleep interrupts nothing: both again.
  await waitFor(
    "the shell after the interrupt",
    () => {
      terminal.write("\x03");
      terminal.write("echo al''ive\r");
      return screen.includes("alive");
    },
    { everyMs: 500 },
  );
  let status: number | undefined;
  void exited.then((code) => {
    status = code;
  });
  await waitFor(
    "the end",
    () => {
      if (status === undefined) terminal.write("exit 9\r");
      return status !== undefined;
    },
    { everyMs: 500 },
  );
  expect(await exited).toBe(9);
});

test("an ssh-agent is forwarded", async () => {
  const socket = join(dir, "agent.sock");
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  try {
    const key = join(dir, "key");
    const env = { ...cleanEnvironment(), SSH_AUTH_SOCK: socket };
    await finished(spawn("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "forwarded", "-f", key]));
    await waitFor("the ssh-agent", async () => {
      const { code } = await finished(spawn("ssh-add", ["-q", key], { env }));
      return code === 0;
    });
    const { stdout } = await ssh("-A", "--identity-agent", socket, "dev", "--", "ssh-add", "-l");
    expect(stdout).toContain("forwarded (ED25519)");
    expect((await ssh("-A", "dev", "--", "true")).stderr).toContain("no ssh-agent to forward");
  } finally {
    agent.kill();
  }
});

describe("ports", () => {
  test("a port of the workspace leads here with -R", async () => {
    const local = createServer((socket) => socket.end("from here"));
    const [localPort, remotePort] = [await freePort(), await freePort()];
    await new Promise<void>((resolve) => local.listen(localPort, "127.0.0.1", resolve));
    try {
      const script = `exec 3<>/dev/tcp/127.0.0.1/${remotePort}; cat <&3`;
      const result = await ssh(
        "-R",
        `${remotePort}:127.0.0.1:${localPort}`,
        "dev",
        "--",
        `bash -c '${script}'`,
      );
      expect(result).toMatchObject({ code: 0, stdout: "from here" });
    } finally {
      local.close();
    }
  });

  test("port-forward serves TCP and UDP, over a restart of the server, until it is interrupted", async () => {
    const [tcp, udp, target] = [await freePort(), await freePort(), await freePort()];
    const echo = `
const sockets = require("node:net").createServer((s) => s.pipe(s)).listen(${target}, "127.0.0.1");
const u = require("node:dgram").createSocket("udp4");
u.on("message", (m, from) => u.send(m.toString().toUpperCase(), from.port, from.address)).bind(${target}, "127.0.0.1");`;
    // The local template shares the network with this machine.
    const service = spawn(process.execPath, ["-e", echo], { stdio: "ignore" });
    const forward = spawnCoder(
      ["port-forward", "dev", "--tcp", `${tcp}:${target}`, "--udp", `${udp}:${target}`],
      server.clientEnv,
    );
    const output = keepOutput(forward.stderr);
    const ended = finished(forward);
    try {
      await waitFor("the forwards", () => output.text().includes("Ready!"));
      const { connect } = await import("node:net");
      const socket = connect(tcp, "127.0.0.1");
      let echoed = "";
      socket.on("data", (chunk) => {
        echoed += chunk;
      });
      socket.write("one ");
      await waitFor("the first answer", () => echoed === "one ");
      await server.stop("SIGKILL");
      socket.write("two ");
      await server.start();
      await waitFor("the answer after the restart", () => echoed === "one two ");
      socket.end();

      const { createSocket } = await import("node:dgram");
      const datagrams = createSocket("udp4");
      let answer = "";
      datagrams.on("message", (message) => {
        answer = String(message);
      });
      await waitFor(
        "the answer by UDP",
        () => {
          datagrams.send("hello", udp, "127.0.0.1");
          return answer === "HELLO";
        },
        { everyMs: 200 },
      );
      datagrams.close();
      forward.kill("SIGINT");
      expect(await ended).toMatchObject({ code: 0, stdout: "" });
    } finally {
      forward.kill("SIGKILL");
      service.kill();
    }
  });

  test("what cannot be forwarded is refused before anything is connected", async () => {
    const refused = async (...args: string[]) =>
      (await server.coder(["port-forward", "dev", ...args])).stderr;
    expect(await refused()).toContain("Give --tcp or --udp");
    expect(await refused("--tcp", "0")).toContain("ports go from 1 to 65535");
    expect(await refused("--tcp", "80-82:90-91")).toContain("ranges of different lengths");
    expect(await refused("--tcp", "80", "--tcp", "80:81")).toContain("named twice");
  });
});

test("ping and speedtest measure the way", async () => {
  const pinged = await server.coder(["ping", "dev", "-n", "2", "--wait", "10ms"]);
  expect(pinged).toMatchObject({ code: 0 });
  expect(pinged.stdout).toContain("2 sent, 2 answered, 0% lost");
  for (const direction of ["up", "down"]) {
    const { stdout } = await server.coder([
      "speedtest",
      "dev",
      "-t",
      "300ms",
      "--direction",
      direction,
      "-o",
      "json",
    ]);
    expect(JSON.parse(stdout).overall.throughput_mbits).toBeGreaterThan(0);
  }
});

describe("the server's restart", () => {
  test("a command goes on where it was, and ends with its status", async () => {
    const running = spawnCoder(
      ["ssh", "dev", "--", "for i in $(seq 1 80); do echo $i; sleep 0.05; done; exit 4"],
      server.clientEnv,
    );
    const output = keepOutput(running.stdout);
    const ended = finished(running);
    await waitFor("the first lines", () => output.text().includes("5\n"));
    await server.stop("SIGKILL");
    await server.start();
    const { code, stdout } = await ended;
    expect(stdout).toBe(Array.from({ length: 80 }, (_, i) => `${i + 1}\n`).join(""));
    expect(code).toBe(4);
  });

  test("an agent that is started anew says so, instead of a shell that hangs", async () => {
    const running = spawnCoder(["ssh", "dev", "--", "echo begun; sleep 1000"], server.clientEnv);
    const output = keepOutput(running.stdout);
    const ended = finished(running);
    await waitFor("the command to run", () => output.text().includes("begun"));
    expect(await server.coder(["restart", "dev", "-y"])).toMatchObject({ code: 0 });
    const { code, stderr } = await ended;
    expect(code).toBe(255);
    expect(stderr).toMatch(/error: The workspace (dev is being (stopped|built anew)|is shutting down)\./);
    await waitForAgent(server.owner, workspaceId);
  });
});

test("a stopped workspace is started, unless that is disabled; its logs go to stderr alone", async () => {
  expect(await server.coder(["stop", "dev", "-y"])).toMatchObject({ code: 0 });
  const refused = await ssh("--disable-autostart", "dev", "--", "true");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("Start it first: coder start dev");
  const [one, other] = await Promise.all([ssh("dev", "--", "echo up"), ssh("dev", "--", "echo up")]);
  expect(one, one.stderr).toMatchObject({ code: 0, stdout: "up\n" });
  expect(other, other.stderr).toMatchObject({ code: 0, stdout: "up\n" });
});

test("editors find the log and the state of the connection by the id of the process that started it", async () => {
  const [logs, info] = [join(dir, "logs"), join(dir, "info")];
  const child = spawnCoder(
    [
      "ssh",
      "--stdio",
      "--usage-app=vscode",
      "--log-dir",
      logs,
      "--network-info-dir",
      info,
      "--network-info-interval",
      "100ms",
      "dev",
    ],
    server.clientEnv,
  );
  const banner = keepOutput(child.stdout);
  try {
    await waitFor("the SSH server's greeting", () => banner.text().startsWith("SSH-2.0-"));
    const file = join(info, `${process.pid}.json`);
    const state = await waitFor("the state", async () => JSON.parse(await readFile(file, "utf8")));
    expect(state).toMatchObject({ p2p: false, using_coder_connect: false });
    expect(state.latency).toBeGreaterThan(0);
    expect(await readdir(logs)).toEqual([
      expect.stringMatching(new RegExp(`^coder-ssh-.*-${process.pid}\\.log$`)),
    ]);
  } finally {
    const ended = finished(child);
    expect((await ended).code).toBe(0);
  }
});

describe("GnuPG", () => {
  test("our keys sign in the workspace, and stay here", async () => {
    // Its agent's socket must have a short path.
    const keys = await mkdtemp(join(tmpdir(), "gpg-"));
    const env = { ...server.clientEnv, GNUPGHOME: keys };
    const gpg = (...args: string[]) =>
      finished(spawn("gpg", ["--batch", ...args], { env: { ...cleanEnvironment(), GNUPGHOME: keys } }));
    try {
      const made = await gpg(
        "--passphrase",
        "",
        "--quick-gen-key",
        "Ada <ada@example.com>",
        "ed25519",
        "sign",
      );
      expect(made, made.stderr).toMatchObject({ code: 0 });
      const script = "echo agreed | gpg --batch --clearsign && gpg --batch --list-secret-keys --with-colons";
      const signed = await finished(spawnCoder(["ssh", "-G", "dev", "--", script], env));
      expect(signed, signed.stderr).toMatchObject({ code: 0 });
      const [message = "", listed = ""] = signed.stdout.split(/(?<=END PGP SIGNATURE-----\n)/);
      expect(listed).toContain("Ada <ada@example.com>");
      await writeFile(join(dir, "signed"), message);
      const verified = await gpg("--status-fd", "1", "--verify", join(dir, "signed"));
      expect(verified.stdout).toMatch(/^\[GNUPG:\] GOODSIG \w+ Ada <ada@example\.com>$/m);

      const taken = await finished(
        spawnCoder(
          [
            "ssh",
            "-G",
            "dev",
            "--",
            "gpg --batch --armor --export-secret-keys; ls ~/.gnupg/private-keys-v1.d",
          ],
          env,
        ),
      );
      expect(taken.stdout).toBe("");
    } finally {
      await finished(
        spawn("gpgconf", ["--kill", "all"], { env: { ...cleanEnvironment(), GNUPGHOME: keys } }),
      );
      await rm(keys, { recursive: true, force: true });
    }
  });
});
