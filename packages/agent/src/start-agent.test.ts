import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { startTestAgent, type TestAgent } from "./testing/test-agent.ts";

let running: TestAgent | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});
const start = async (options: Parameters<typeof startTestAgent>[0]) => {
  running = await startTestAgent(options);
  return running;
};

const script = (text: string, rest: object = {}) => ({
  id: "s1",
  logSourceId: "l1",
  displayName: "Startup",
  script: text,
  runOnStart: true,
  ...rest,
});

describe("a workspace's life", () => {
  test("start scripts run with their environment, their output and end are reported, then it is ready", async () => {
    const { server, dir } = await start({
      manifest: {
        environmentVariables: { GREETING: "hi $USER" },
        scripts: [
          script(
            'echo "$GREETING from $CODER_WORKSPACE_NAME"; echo oops >&2; touch "$CODER_SCRIPT_DATA_DIR.ran"; pwd',
          ),
        ],
      },
    });
    await server.until(() => server.seen.lifecycle.includes("ready"));
    expect(server.seen.lifecycle).toEqual(["starting", "ready"]);
    await server.until(() => server.seen.scripts.length === 1);
    expect(server.seen.scripts[0]).toMatchObject({
      scriptId: "s1",
      exitCode: 0,
      stage: "start",
      status: "ok",
    });
    await server.until(() => server.seen.logs.length >= 3);
    const lines = server.seen.logs.map(({ line }) => line);
    expect(lines).toContain("hi root from dev");
    expect(lines).toContain(dir);
    expect(server.seen.logs.find(({ line }) => line === "oops")?.level).toBe(5);
    expect(readFileSync(join(dir, "logs/coder-script-l1.log"), "utf8")).toContain("hi root from dev");
    expect(server.seen.startups[0]).toMatchObject({ version: "v0.0.0-test", expandedDirectory: dir });
    expect(server.seen.headers[0]).toMatchObject({
      "coder-session-token": "test-token",
      "x-coder-build-version": "v0.0.0-test",
    });
  });

  test("a failing script ends in start_error, one that hangs in start_timeout, all of them run", async () => {
    const failing = await start({ manifest: { scripts: [script("exit 7"), script("true", { id: "s2" })] } });
    await failing.server.until(() => failing.server.seen.lifecycle.includes("start_error"));
    await failing.server.until(() => failing.server.seen.scripts.length === 2);
    expect(failing.server.seen.scripts.find(({ scriptId }) => scriptId === "s1")).toMatchObject({
      exitCode: 7,
      status: "exit_failure",
    });
    await failing.close();
    const hanging = await start({ manifest: { scripts: [script("sleep 300", { timeoutSeconds: 1 })] } });
    await hanging.server.until(() => hanging.server.seen.lifecycle.includes("start_timeout"));
    await hanging.server.until(() => hanging.server.seen.scripts.length === 1);
    expect(hanging.server.seen.scripts[0]?.status).toBe("timed_out");
  });

  test("an interpreter line is obeyed", async () => {
    const { server } = await start({
      manifest: { scripts: [script("\n  #!/usr/bin/env -S perl -w\nprint qq(from perl\\n);")] },
    });
    await server.until(() => server.seen.logs.some(({ line }) => line === "from perl"));
  });

  test("shutdown runs the stop scripts and goes through its states", async () => {
    const { server, agent, dir } = await start({
      manifest: { scripts: [script("touch ~/stopped; echo bye", { runOnStart: false, runOnStop: true })] },
    });
    await server.until(() => server.seen.lifecycle.includes("ready"));
    expect(existsSync(join(dir, "stopped"))).toBe(false);
    await agent.shutdown("test");
    expect(existsSync(join(dir, "stopped"))).toBe(true);
    expect(server.seen.lifecycle).toEqual(["starting", "ready", "shutting_down", "off"]);
    expect(server.seen.logs.map(({ line }) => line)).toContain("bye");
    expect(server.seen.scripts.map(({ stage }) => stage)).toEqual(["stop"]);
    expect(await agent.done).toBe(0);
  });

  test("a cron script runs after the start scripts have failed", async () => {
    const { server } = await start({
      manifest: {
        scripts: [
          script("exit 1"),
          script("echo tick", { id: "s2", runOnStart: false, cron: "* * * * * *" }),
        ],
      },
    });
    await server.until(() => server.seen.scripts.some(({ stage }) => stage === "cron"));
  });
});

describe("the connection", () => {
  test("refused calls are tried again, and start scripts run once for all sessions", async () => {
    const { server, dir } = await start({
      prepare: (fake) => {
        fake.refusals = 3;
      },
      manifest: { scripts: [script("echo x >>~/runs")] },
    });
    await server.until(() => server.seen.lifecycle.includes("ready"));
    server.cut();
    await server.until(() => server.seen.startups.length === 2);
    expect(readFileSync(join(dir, "runs"), "utf8")).toBe("x\n");
    expect(server.seen.lifecycle).toEqual(["starting", "ready"]);
  });

  test("reports made while the server is away arrive later, in order and once", async () => {
    const { server } = await start({
      manifest: { scripts: [script("for i in 1 2 3 4 5; do echo line $i; sleep 0.3; done")] },
    });
    await server.until(() => server.seen.logs.length > 0);
    server.cut();
    await server.until(() => server.seen.lifecycle.includes("ready") && server.seen.logs.length >= 5);
    expect(server.seen.logs.map(({ line }) => line)).toEqual(
      [1, 2, 3, 4, 5].map((number) => `line ${number}`),
    );
  });
});

describe("logs", () => {
  test("output without end is cut at the limit, fills no memory and holds nobody up", async () => {
    const { server, dir } = await start({
      manifest: { scripts: [script("head -c 60000000 /dev/zero | tr '\\0' 'y' | fold -w 99; echo done")] },
    });
    await server.until(() => server.seen.lifecycle.includes("ready"));
    const sent = server.seen.logs.reduce((sum, { line }) => sum + line.length, 0);
    expect(sent).toBeLessThanOrEqual(1024 * 1024 + 100);
    const file = readFileSync(join(dir, "logs/coder-script-l1.log"));
    expect(file.byteLength).toBeGreaterThan(60_000_000);
    expect(file.subarray(-6).toString()).toContain("done");
  });
});

describe("reports", () => {
  test("metadata: value, error and cap", async () => {
    const { server } = await start({
      manifest: {
        metadata: [
          { key: "ok", script: "echo 42", intervalSeconds: 60 },
          { key: "bad", script: "echo nope >&2; exit 3", intervalSeconds: 60 },
          { key: "slow", script: "sleep 60", intervalSeconds: 60, timeoutSeconds: 1 },
          { key: "big", script: "head -c 20000 /dev/zero | tr '\\0' z", intervalSeconds: 60 },
        ],
      },
    });
    await server.until(() => server.seen.metadata.length >= 4);
    const byKey = Object.fromEntries(server.seen.metadata.map((item) => [item.key, item]));
    expect(byKey.ok).toMatchObject({ value: "42", error: "" });
    expect(byKey.bad).toMatchObject({ value: "nope", error: "exit status 3" });
    expect(byKey.slow?.error).toContain("timed out");
    expect(byKey.big?.value.length).toBe(10 * 1024);
    expect(byKey.big?.error).toContain("truncated");
  });

  test("app health follows the app", async () => {
    const { createServer } = await import("node:http");
    let status = 200;
    const app = createServer((_request, response) => response.writeHead(status).end());
    await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
    const address = app.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { server } = await start({
      manifest: {
        apps: [
          { id: "a1", healthcheck: { url: `http://127.0.0.1:${port}/`, intervalSeconds: 1, threshold: 2 } },
        ],
      },
    });
    await server.until(() => server.seen.health.some(({ health }) => health === "healthy"));
    status = 500;
    await server.until(() => server.seen.health.some(({ health }) => health === "unhealthy"));
    app.close();
  });

  test("listening ports with the names of their processes", async () => {
    const { createServer } = await import("node:net");
    const listener = createServer();
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const address = listener.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { server } = await start({});
    const { ports } = await (await server.control()).listeningPorts({});
    expect(ports).toContainEqual(expect.objectContaining({ port, network: "tcp" }));
    expect(ports.find((entry) => entry.port === port)?.processName).not.toBe("");
    listener.close();
  });
});

test("a home and log directory that cannot be written are survived", async () => {
  const { server } = await start({
    logDir: "/proc/nowhere",
    scriptDataDir: "/proc/nowhere",
    environment: { PATH: process.env.PATH, HOME: "/proc/nowhere", SHELL: "/no/such/shell" },
    manifest: { scripts: [script("echo alive")], directory: "~/src" },
  });
  await server.until(() => server.seen.lifecycle.includes("ready"));
  await server.until(() => server.seen.logs.some(({ line }) => line === "alive"));
  expect(server.seen.logs.some(({ line }) => line.includes("cannot be written"))).toBe(true);
});

test("the askpass program and coder itself are in the script directory", async () => {
  const { server, dir } = await start({
    manifest: { scripts: [script('echo "$GIT_ASKPASS"; command -v coder')] },
  });
  await server.until(() => server.seen.logs.length >= 2);
  const root = join(dir, "coder-script-data");
  const [agentId = ""] = readdirSync(root);
  const lines = server.seen.logs.map(({ line }) => line);
  expect(lines).toEqual([join(root, agentId, "git-askpass"), join(root, agentId, "bin/coder")]);
});
