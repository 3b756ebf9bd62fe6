import { once } from "node:events";
import { mkdtemp, readdir, readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finished, keepOutput, spawnCoder } from "../harness/coder-process.ts";
import { sharedCacheDir } from "../harness/coder-server.ts";
import { removeData } from "../harness/remove-data.ts";
import { waitFor } from "../harness/wait-for.ts";

// Each test goes on from the one before, as a person does: nothing is there at first.

let home: string;
let env: Record<string, string>;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "slipway-up-"));
  env = {
    HOME: home,
    SLIPWAY_UP_DIR: join(home, "up"),
    CODER_CACHE_DIRECTORY: sharedCacheDir,
    // The session of another deployment: it must play no part.
    CODER_URL: "http://127.0.0.1:1",
    CODER_SESSION_TOKEN: "of-somebody-else",
    // Docker has a suite of its own.
    DOCKER_HOST: `unix://${join(home, "no-docker.sock")}`,
  };
});

afterAll(async () => {
  // The workspace's home lies outside of our directory.
  await coder(
    "--global-config",
    join(home, "up/config"),
    "--url",
    await serverUrl(),
    "--token",
    await session(),
    "delete",
    "dev",
    "-y",
  );
  await coder("down");
  await removeData(home, join(home, "up/config"));
});

const coder = (...args: string[]) => finished(spawnCoder(args, env));
const up = (...words: string[]) => coder("up", "--", ...words);
const session = () => readFile(join(home, "up/config/session"), "utf8");
const state = async () => JSON.parse(await readFile(join(home, "up/state.json"), "utf8"));
const serverUrl = async () => `http://127.0.0.1:${(await state()).port}`;
const serverPid = async () => Number(String((await state()).server).split(":")[0]);

test("from nothing to the status of a command in a workspace", async () => {
  const result = await up("sh", "-c", 'echo "two  words"; exit 3');
  expect(result, result.stderr).toMatchObject({ code: 3, stdout: "two  words\n" });
  expect(result.stderr).toMatch(/=== ✔ Starting the server \[/);
  expect(result.stderr).toContain(`password in ${join(home, "up/password")}`);
  expect(result.stderr).not.toContain((await readFile(join(home, "up/password"), "utf8")).trim());
  expect((await stat(join(home, "up/password"))).mode & 0o777).toBe(0o600);
});

test("it listens on the loopback interface alone, and nobody else's session was touched", async () => {
  const url = new URL(await serverUrl());
  expect((await fetch(new URL("/healthz", url))).ok).toBe(true);
  await expect(fetch(`http://127.0.0.2:${url.port}/healthz`)).rejects.toThrow();
  expect(await readdir(home)).not.toContain(".config");
});

test("the second time everything is in place, and stdin reaches the command", async () => {
  const child = spawnCoder(["up", "--", "tee note | wc -c"], env);
  expect(await finished(child, "kept")).toMatchObject({ code: 0, stdout: "4\n", stderr: "" });
});

test("two at once do not get in each other's way, and a port that somebody takes meanwhile is left to them", async () => {
  const { port, server } = await state();
  await coder("down");
  const ups = [up("echo one"), up("echo other")];
  await waitFor("a server to start", async () => (await state()).server !== server, { everyMs: 5 });
  expect((await state()).port).toBe(port);
  const thief = createServer().listen(port, "127.0.0.1");
  await once(thief, "listening");
  const results = await Promise.all(ups);
  thief.close();
  expect((await state()).port).not.toBe(port);
  expect(results.map(({ code, stdout }) => ({ code, stdout }))).toEqual([
    { code: 0, stdout: "one\n" },
    { code: 0, stdout: "other\n" },
  ]);
});

test("a shell on a terminal", async () => {
  const { spawn } = await import("@lydell/node-pty");
  const { coderCommand, cleanEnvironment } = await import("../harness/coder-process.ts");
  const [program = "", ...words] = coderCommand;
  const terminal = spawn(program, [...words, "up"], {
    cols: 90,
    rows: 20,
    env: { ...cleanEnvironment(), ...env },
  });
  let screen = "";
  terminal.onData((data) => {
    screen += data;
  });
  const exited = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
  await waitFor(
    "the shell",
    () => {
      terminal.write("echo size $(stty size)\r");
      return screen.includes("size 20 90");
    },
    { everyMs: 500 },
  );
  terminal.write("exit 5\r");
  expect(await exited).toBe(5);
});

test("down stops the server and what the workspace runs, and up goes on with what was there", async () => {
  const running = spawnCoder(["up", "--", "echo begun; exec sleep 1000"], env);
  const output = keepOutput(running.stdout);
  const ended = finished(running);
  await waitFor("the command", () => output.text().includes("begun"));
  const url = await serverUrl();

  const down = await coder("down");
  expect(down, down.stderr).toMatchObject({ code: 0, stdout: "" });
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  expect(await ended).toMatchObject({ code: 255 });
  expect((await coder("down")).stderr).toBe("Nothing is running.\n");

  expect(await up("cat note")).toMatchObject({ code: 0, stdout: "kept" });
});

test("who did not hear the goodbye before down stopped the server does not wait for its return", async () => {
  const running = spawnCoder(["up", "--", "echo begun; exec sleep 1000"], env);
  const output = keepOutput(running.stdout);
  const ended = finished(running);
  await waitFor("the command", () => output.text().includes("begun"));
  running.kill("SIGSTOP");
  // The agent is the parent of what it runs.
  const killer = spawnCoder(["up", "--", "echo there; read _; kill -9 $PPID"], env);
  const [there, words] = [keepOutput(killer.stdout), keepOutput(killer.stderr)];
  await waitFor("the other command", () => there.text().includes("there"));
  const killed = finished(killer, "\n");
  await waitFor("the agent to be gone", () => words.text().includes("connection lost"));
  expect((await coder("down")).code).toBe(0);
  running.kill("SIGCONT");
  expect(await ended).toMatchObject({
    code: 255,
    stderr: expect.stringMatching(/down' has stopped the workspace/),
  });
  expect(await killed).toMatchObject({ code: 255 });
});

test("a server that was killed is started again, on the same port, with the workspace as it was", async () => {
  const url = await serverUrl();
  expect((await up("nohup sleep 987 >/dev/null 2>&1 & echo $! > pid")).code).toBe(0);
  process.kill(await serverPid(), "SIGKILL");
  expect(await up("kill -0 $(cat pid) && kill $(cat pid) && echo still there")).toMatchObject({
    code: 0,
    stdout: "still there\n",
  });
  expect(await serverUrl()).toBe(url);
});
