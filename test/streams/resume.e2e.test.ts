import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn as spawnPty } from "@lydell/node-pty";
import { apiKeys } from "@slipway/api";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  cleanEnvironment,
  coderCommand,
  finished,
  keepOutput,
  spawnCoder,
} from "../harness/coder-process.ts";
import { type CoderServer, freePort, startCoderServer } from "../harness/coder-server.ts";
import { type CuttableProxy, startCuttableProxy } from "../harness/cuttable-proxy.ts";
import { createLocalWorkspace } from "../harness/local-workspace.ts";
import { waitFor } from "../harness/wait-for.ts";

let server: CoderServer;
/** The agent's way to the server, and the clients'. */
let agentsWay: CuttableProxy;
let clientsWay: CuttableProxy;
let dir: string;
let clientEnv: Record<string, string>;
const running: ChildProcess[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-streams-"));
  agentsWay = await startCuttableProxy();
  clientsWay = await startCuttableProxy();
  server = await startCoderServer({ env: { CODER_ACCESS_URL: agentsWay.url } });
  agentsWay.target = server.url;
  clientsWay.target = server.url;
  clientEnv = { ...server.clientEnv, CODER_URL: clientsWay.url };
  await createLocalWorkspace(server);
});

afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

afterAll(async () => {
  await server?.close();
  await agentsWay?.close();
  await clientsWay?.close();
  await rm(dir, { recursive: true, force: true });
});

async function killServer(): Promise<void> {
  await server.stop("SIGKILL");
  await server.start();
}

async function stopServer(): Promise<void> {
  await server.stop("SIGTERM");
  await server.start();
}

async function cut(way: CuttableProxy): Promise<void> {
  way.cut();
  // A laptop's lid is closed for longer, and nothing counts how long.
  await waitFor("attempts to fail", () => way.refused >= 3);
  way.mend();
}

const interruptions: [string, () => Promise<void>][] = [
  ["the server is stopped and started", stopServer],
  ["the server is killed and started", killServer],
  ["the client's network is away for a while", () => cut(clientsWay)],
  ["the agent's network is away for a while", () => cut(agentsWay)],
];

describe("a command that reads and writes", () => {
  test("goes on after each of many interruptions, with not a byte lost or doubled", async () => {
    const child = spawnCoder(["ssh", "dev", "--", "cat"], clientEnv, { stdio: "pipe" });
    running.push(child);
    const output = keepOutput(child.stdout);
    const errors = keepOutput(child.stderr);
    let expected = "";
    const say = async (line: string) => {
      expected += `${line}\n`;
      child.stdin?.write(`${line}\n`);
      await waitFor(`"${line}" to come back (${errors.text()})`, () => output.text().includes(line));
    };
    await say("before");
    for (const [what, interrupt] of interruptions) {
      // Written while nothing gets through.
      const interrupted = interrupt();
      expected += `during ${what}\n`;
      child.stdin?.write(`during ${what}\n`);
      await interrupted;
      await say(`after ${what}`);
    }
    child.stdin?.end();
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    expect(output.text()).toBe(expected);
  });
});

describe("a shell in a terminal", () => {
  test("is the same shell after the server was killed", async () => {
    const [program = "", ...args] = [...coderCommand, "ssh", "dev"];
    const terminal = spawnPty(program, args, { env: { ...cleanEnvironment(), ...clientEnv, TERM: "xterm" } });
    let screen = "";
    terminal.onData((text) => {
      screen += text;
    });
    try {
      terminal.write("answer=$((6 * 7)); echo ready-$answer\r");
      await waitFor("the shell", () => screen.includes("ready-42"));
      await killServer();
      terminal.write("echo still-$((answer + 1))\r");
      await waitFor(`the shell to go on:\n${screen}`, () => screen.includes("still-43"));
      const exited = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
      terminal.write("exit 5\r");
      expect(await exited).toBe(5);
    } finally {
      terminal.kill("SIGKILL");
    }
  });
});

describe("a session that is ended while its client is away", () => {
  /** Whether a program with this argument runs: the agent's are processes of this machine. */
  const runs = async (argument: string) => {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const commands = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
    return (await Promise.all(commands)).some((command) => command.startsWith(`sleep\0${argument}\0`));
  };

  test.each<[string, () => Promise<void>, () => void]>([
    ["and nothing else happens", async () => {}, () => {}],
    ["and the server was killed meanwhile", killServer, () => {}],
    ["and the agent, too", async () => agentsWay.cut(), () => agentsWay.mend()],
  ])("leaves nothing in the workspace to come back to (%s)", async (what, before, after) => {
    const me = { user: "me" };
    const { key } = await server.owner.call(apiKeys.createSessionKey, { params: me });
    const argument = `31337.${what.length}`;
    const child = spawnCoder(
      ["ssh", "dev", "--", `echo started; exec sleep ${argument}`],
      { ...clientEnv, CODER_SESSION_TOKEN: key },
      { stdio: "pipe" },
    );
    running.push(child);
    const output = keepOutput(child.stdout);
    await waitFor("the program", async () => output.text().includes("started") && (await runs(argument)));
    clientsWay.cut();
    try {
      await before();
      expect(await runs(argument)).toBe(true);
      await server.owner.call(apiKeys.deleteKey, { params: { ...me, keyid: key.slice(0, 10) } });
      after();
      await waitFor("the program to end", async () => !(await runs(argument)));
    } finally {
      clientsWay.mend();
      agentsWay.mend();
    }
  });
});

describe("scp of 100 MB", () => {
  const sizeBytes = 100 * 1024 * 1024;

  test("has its checksum after several server restarts on the way, in both directions", async () => {
    const data = randomBytes(sizeBytes);
    const [sent, received] = [join(dir, "sent"), join(dir, "received")];
    await writeFile(sent, data);
    const proxy = [...coderCommand, "ssh", "--stdio", "dev"].join(" ");
    const scp = (from: string, to: string) => {
      const options = [
        `ProxyCommand=${proxy}`,
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
      ];
      const child = spawn(
        "scp",
        ["-F", "/dev/null", ...options.flatMap((option) => ["-o", option]), from, to],
        {
          env: { ...cleanEnvironment(), ...clientEnv },
        },
      );
      running.push(child);
      return finished(child);
    };
    // It goes through the interruptions as well, and tells of what had arrived before.
    const watch = "while sleep 0.1; do stat -c %s sent; done 2>/dev/null";
    const watcher = spawnCoder(["ssh", "dev", "--", watch], clientEnv, { stdio: "pipe" });
    running.push(watcher);
    const sizes = keepOutput(watcher.stdout);
    const remoteBytes = async () => Number(sizes.text().trimEnd().split("\n").at(-1));
    const localBytes = () =>
      stat(received).then(
        ({ size }) => size,
        () => 0,
      );

    async function interruptAt(steps: number[], progress: () => Promise<number>): Promise<number> {
      let interrupted = 0;
      for (const megabytes of steps) {
        const bytes = await waitFor(`${megabytes} MB to have arrived`, async () => {
          const now = await progress();
          return now >= megabytes * 1024 * 1024 && now;
        });
        if (bytes < sizeBytes) interrupted += 1;
        await killServer();
      }
      return interrupted;
    }

    const upload = scp(sent, "dev:sent");
    expect(await interruptAt([1, 30, 60], remoteBytes)).toBeGreaterThan(0);
    // The user is told of the pauses, and of nothing else.
    const pauses = /^(\[connection lost, reconnecting; Ctrl-C gives up\]\n\[connected again\]\n)+$/;
    expect(await upload).toMatchObject({ code: 0, stderr: expect.stringMatching(pauses) });
    watcher.kill();
    const { stdout } = await server.coder(["ssh", "dev", "--", "sha256sum < sent"]);
    expect(stdout.split(" ")[0]).toBe(createHash("sha256").update(data).digest("hex"));

    const download = scp("dev:sent", received);
    expect(await interruptAt([1, 30, 60], localBytes)).toBeGreaterThan(0);
    expect(await download).toMatchObject({ code: 0, stderr: expect.stringMatching(pauses) });
    expect((await readFile(received)).equals(data)).toBe(true);
  });
});

describe("a forwarded port", () => {
  let echo: Server;
  let remotePort: number;

  beforeAll(async () => {
    // Workspaces of the local template share this machine's loopback.
    echo = createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(0, "127.0.0.1");
    await once(echo, "listening");
    const address = echo.address();
    remotePort = typeof address === "object" && address !== null ? address.port : 0;
  });

  afterAll(() => echo.close());

  async function exchange(socket: Socket, text: string): Promise<void> {
    let answer = "";
    const onData = (chunk: Buffer) => {
      answer += chunk;
    };
    socket.on("data", onData).write(text);
    await waitFor(`"${text}" to come back`, () => answer.includes(text));
    socket.off("data", onData);
  }

  test.each(interruptions)("keeps its connections when %s", async (what, interrupt) => {
    const port = await freePort();
    const child = spawnCoder(["port-forward", "dev", "--tcp", `${port}:${remotePort}`], clientEnv, {
      stdio: "pipe",
    });
    running.push(child);
    const output = keepOutput(child.stdout, child.stderr);
    const socket = await waitFor(`port-forward to listen (${output.text()})`, async () => {
      const attempt = connect(port, "127.0.0.1");
      await once(attempt, "connect");
      return attempt;
    });
    await exchange(socket, "before\n");
    await interrupt();
    await exchange(socket, `after ${what}\n`);
    socket.destroy();
  });
});
