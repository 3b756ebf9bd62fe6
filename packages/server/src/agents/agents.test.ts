import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { agents, apiKeys, maxAgentLogLines, users } from "@slipway/api";
import { encodeDelimited } from "@slipway/mux";
import { LogLevel } from "@slipway/proto/provisioner";
import { StreamAcceptSchema, StreamOpenSchema } from "@slipway/proto/tunnel";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createDb } from "../db/db.ts";
import { type TestServer, type TestUser, testServer } from "../testing/test-server.ts";
import { maxLogSources } from "./routes.ts";
import { maxAgentLogBytes } from "./store-agent-logs.ts";
import {
  connectFakeAgent,
  connectFakeTunnel,
  type FakeAgent,
  type FakeTunnel,
} from "./testing/fake-agent.ts";
import { insertAgent } from "./testing/insert-agent.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const apiAgent = (id: string) =>
  server.owner.client.call(agents.getAgent, { params: { workspaceagent: id } });

/** Waits until the agent's row says so, woken by its events. */
async function agentWhen(
  id: string,
  holds: (agent: agents.WorkspaceAgent) => boolean,
): Promise<agents.WorkspaceAgent> {
  const found = await server.deps.events.waitFor(
    "agent",
    id,
    async () => {
      const agent = await apiAgent(id);
      return holds(agent) ? agent : null;
    },
    { timeoutMs: 5_000 },
  );
  if (!found) throw new Error("the agent never came to that state");
  return found;
}

describe("an agent", () => {
  test("connects with its token, gets its manifest and is shown as connected until it goes", async () => {
    const { agentId, token, workspaceId } = await insertAgent(server, server.owner, "one");
    expect((await apiAgent(agentId)).status).toBe("connecting");

    const agent = await connectFakeAgent(server.url, token);
    const manifest = await agent.service.getManifest({});
    expect(manifest).toMatchObject({
      agentId,
      workspaceId,
      agentName: "main",
      workspaceName: "one",
      ownerUsername: "owner",
      accessUrl: server.url,
    });
    expect(manifest.scripts.map((script) => script.script)).toEqual(["echo hello"]);
    await agentWhen(agentId, (one) => one.status === "connected");

    agent.close();
    await agentWhen(agentId, (one) => one.status === "disconnected");
  });

  test("is refused with a token that is wrong, malformed or of a deleted agent", async () => {
    const { agentId, token } = await insertAgent(server, server.owner, "refused");
    await expect(connectFakeAgent(server.url, randomUUID())).rejects.toThrow("HTTP 401");
    await expect(connectFakeAgent(server.url, "nonsense")).rejects.toThrow("HTTP 401");
    await server.db
      .updateTable("workspace_agents")
      .set({ deleted: true })
      .where("id", "=", agentId)
      .execute();
    await expect(connectFakeAgent(server.url, token)).rejects.toThrow("HTTP 401");
  });

  test("reports its life-cycle forwards only", async () => {
    const { agentId, token } = await insertAgent(server, server.owner, "lifecycle");
    const agent = await connectFakeAgent(server.url, token);
    const report = (state: string) =>
      agent.service.updateLifecycle({ state, changedAtMs: BigInt(Date.now()) });
    await report("starting");
    await report("ready");
    await report("created");
    expect(await apiAgent(agentId)).toMatchObject({ lifecycle_state: "ready", health: { healthy: true } });
    await report("shutting_down");
    await report("ready");
    expect((await apiAgent(agentId)).lifecycle_state).toBe("shutting_down");
    await expect(report("happy")).rejects.toMatchObject({ code: Code.InvalidArgument });
    agent.close();
  });

  test("whose clock is an hour ahead reports times that are not in the future", async () => {
    const { agentId, token } = await insertAgent(server, server.owner, "clock");
    const agent = await connectFakeAgent(server.url, token);
    const ahead = server.clock.now().getTime() + 3_600_000;
    await agent.service.updateLifecycle({ state: "starting", changedAtMs: BigInt(ahead) });
    const { started_at } = await apiAgent(agentId);
    expect(Date.parse(started_at ?? "")).toBeLessThanOrEqual(server.clock.now().getTime());
    agent.close();
  });

  test("loses its place to a newer connection, and what the older one still says is refused", async () => {
    const { agentId, token } = await insertAgent(server, server.owner, "fenced");
    const older = await connectFakeAgent(server.url, token);
    await older.service.getManifest({});
    const newer = await connectFakeAgent(server.url, token);
    await newer.service.getManifest({});
    const late = older.service.updateStartup({ version: "old", expandedDirectory: "/old" });
    await expect(late).rejects.toBeInstanceOf(ConnectError);
    await newer.service.updateStartup({ version: "new", expandedDirectory: "/new" });
    expect(await apiAgent(agentId)).toMatchObject({
      version: "new",
      expanded_directory: "/new",
      status: "connected",
    });
    newer.close();
  });

  test("keeps its logs in order, once each, up to 1 MiB, and followers see them live", async () => {
    const { agentId, token, logSourceId } = await insertAgent(server, server.owner, "logs");
    const agent = await connectFakeAgent(server.url, token);
    const line = (output: string) => ({ output, level: LogLevel.INFO, createdAtMs: BigInt(Date.now()) });
    const send = (outputs: string[], batchId: string) =>
      agent.service.batchCreateLogs({ logSourceId, batchId, logs: outputs.map(line) });

    const { url, headers } = server.owner.client.webSocket(agents.getAgentLogs, {
      params: { workspaceagent: agentId },
      query: { follow: true },
    });
    const follower = new WebSocket(url, { headers });
    const seen: string[] = [];
    const enough = Promise.withResolvers<void>();
    follower.on("message", (data) => {
      // The contract says what a message holds; the array is of our own server.
      for (const one of JSON.parse(data.toString()) as agents.WorkspaceAgentLog[]) seen.push(one.output);
      if (seen.includes("three")) enough.resolve();
    });
    await once(follower, "open");

    await send(["one", "two\0"], "a");
    await send(["one", "two"], "a");
    await send(["three"], "b");
    await enough.promise;
    expect(seen).toEqual(["one", "two", "three"]);
    follower.close();

    expect((await send(Array(30).fill("x".repeat(40_000)), "c")).limitExceeded).toBe(true);
    const stored = await server.owner.client.call(agents.getAgentLogs, {
      params: { workspaceagent: agentId },
    });
    expect(stored.at(-1)).toMatchObject({ level: "warn" });
    expect(stored.at(-1)?.output).toContain("exceeds 1 MB");
    expect((await apiAgent(agentId)).logs_overflowed).toBe(true);
    expect((await send(["more"], "d")).limitExceeded).toBe(true);
    agent.close();
  });

  test("keeps its log lines when the database goes away under them, and is refused those of no source", async () => {
    const { agentId, token, logSourceId } = await insertAgent(server, server.owner, "outage");
    const agent = await connectFakeAgent(server.url, token);
    const send = (id: string) =>
      agent.service.batchCreateLogs({
        logSourceId: id,
        batchId: "a",
        logs: [{ output: "one", level: LogLevel.INFO, createdAtMs: BigInt(Date.now()) }],
      });
    const waiting = () =>
      sql<{ pid: number }>`select pid from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(server.db);
    const sent = await server.db.transaction().execute(async (tx) => {
      await sql`lock table workspace_agent_log_sources in access exclusive mode`.execute(tx);
      const answer = send(logSourceId).then(
        () => null,
        (error: unknown) => ConnectError.from(error).code,
      );
      await expect.poll(async () => (await waiting()).rows.length, { timeout: 10_000 }).toBe(1);
      await sql`select pg_terminate_backend(${(await waiting()).rows[0]?.pid}::int)`.execute(server.db);
      return { answer };
    });
    // An agent throws away what was refused as invalid; all else it sends again.
    expect([Code.Unavailable, Code.Internal, Code.Unknown]).toContain(await sent.answer);
    await send(logSourceId);
    await expect(send("no-uuid")).rejects.toMatchObject({ code: Code.InvalidArgument });
    const stored = await server.owner.client.call(agents.getAgentLogs, {
      params: { workspaceagent: agentId },
    });
    expect(stored.map(({ output }) => output)).toEqual(["one"]);
    agent.close();
  });

  test("fills its log with empty lines too", async () => {
    const { agentId, token } = await insertAgent(server, server.owner, "blank");
    await server.db
      .updateTable("workspace_agents")
      .set({ logs_length: maxAgentLogBytes - 16 })
      .where("id", "=", agentId)
      .execute();
    const logs = Array(4).fill({ created_at: new Date().toISOString(), output: "" });
    const sent = server.client(token).call(agents.patchAgentLogs, { body: { logs } });
    await expect(sent).rejects.toMatchObject({ status: 413 });
    const stored = await server.owner.client.call(agents.getAgentLogs, {
      params: { workspaceagent: agentId },
    });
    expect(stored.map(({ level }) => level)).toEqual(["info", "info", "warn"]);
  });

  test("has as many sources of logs as anybody can look at, and may rename each", async () => {
    const { agentId, token, logSourceId } = await insertAgent(server, server.owner, "sources");
    const add = (id: string, display_name = "more") =>
      server.client(token).call(agents.postAgentLogSource, { body: { id, display_name, icon: "" } });
    const last = randomUUID();
    await add(last);
    await sql`insert into workspace_agent_log_sources (id, agent_id, display_name, icon, created_at)
      select gen_random_uuid(), ${agentId}, 'many', '', now()
      from generate_series(3, ${maxLogSources}::int)`.execute(server.db);
    await expect(add(randomUUID())).rejects.toMatchObject({ status: 400 });
    expect(await add(last, "renamed")).toMatchObject({ id: last, display_name: "renamed" });
    const { log_sources } = await apiAgent(agentId);
    expect(log_sources).toHaveLength(maxLogSources);
    expect(log_sources.map(({ id }) => id)).toContain(logSourceId);
  });

  test("tells of the end of a script twice when the answer was lost, and it counts once", async () => {
    const { token, scriptId } = await insertAgent(server, server.owner, "timing");
    const agent = await connectFakeAgent(server.url, token);
    const [startedAtMs, endedAtMs] = [1_700_000_000_000n, 1_700_000_001_000n];
    const report = { scriptId, stage: "start", status: "ok", exitCode: 0, startedAtMs, endedAtMs };
    await agent.service.scriptCompleted(report);
    await agent.service.scriptCompleted(report);
    await agent.service.scriptCompleted({ ...report, startedAtMs: startedAtMs + 60_000n, stage: "cron" });
    const timings = await server.db
      .selectFrom("workspace_agent_script_timings")
      .select("stage")
      .where("script_id", "=", scriptId)
      .execute();
    expect(timings.map(({ stage }) => stage).toSorted()).toEqual(["cron", "start"]);
    agent.close();
  });

  test("has logs that come in pages, each with the lines behind the last one", async () => {
    const { agentId, logSourceId } = await insertAgent(server, server.owner, "long");
    await sql`insert into workspace_agent_logs (agent_id, log_source_id, created_at, level, output)
      select ${agentId}, ${logSourceId}, now(), 'info', n::text
      from generate_series(1, ${maxAgentLogLines + 1}::int) series(n) order by series.n`.execute(server.db);
    const page = (after: number) =>
      server.owner.client.call(agents.getAgentLogs, {
        params: { workspaceagent: agentId },
        query: { after },
      });
    const first = await page(0);
    expect(first).toHaveLength(maxAgentLogLines);
    const rest = await page(first.at(-1)?.id ?? 0);
    expect(rest.map(({ output }) => output)).toEqual([String(maxAgentLogLines + 1)]);
  });

  test("makes a number of calls at a time, and no more", async () => {
    const { token } = await insertAgent(server, server.owner, "flood");
    const agent = await connectFakeAgent(server.url, token);
    const meta = toBinary(
      StreamOpenSchema,
      create(StreamOpenSchema, { version: 1, kind: { case: "rpc", value: {} } }),
    );
    // Calls that never come to their end.
    const hanging = Array.from({ length: 64 }, () => agent.session.open(meta));
    await expect(agent.service.getManifest({})).rejects.toBeInstanceOf(ConnectError);
    for (const stream of hanging) stream.destroy();
    const name = () => agent.service.getManifest({}).then(({ workspaceName }) => workspaceName, String);
    await expect.poll(name, { timeout: 15_000 }).toBe("flood");
    agent.close();
  });

  test("may not write to the log of another agent", async () => {
    const one = await insertAgent(server, server.owner, "mine");
    const other = await insertAgent(server, server.owner, "other");
    const agent = await connectFakeAgent(server.url, one.token);
    const attempt = agent.service.batchCreateLogs({ logSourceId: other.logSourceId, batchId: "a", logs: [] });
    await expect(attempt).rejects.toMatchObject({ code: Code.InvalidArgument });
    const script = agent.service.scriptCompleted({ scriptId: other.scriptId, stage: "start", status: "ok" });
    await expect(script).rejects.toMatchObject({ code: Code.InvalidArgument });
    agent.close();
  });
});

describe("metadata", () => {
  test("is watched by those who may read the workspace, until they may not any more", async () => {
    const alice = await server.createUser();
    const { agentId } = await insertAgent(server, alice, "watched");
    const { url, headers } = alice.client.webSocket(agents.watchAgentMetadataWs, {
      params: { workspaceagent: agentId },
    });
    const socket = new WebSocket(url, { headers });
    const [first] = await once(socket, "message");
    expect(JSON.parse(first.toString())).toMatchObject({ type: "data" });
    const told = once(socket, "message");
    const closed = once(socket, "close");
    await server.owner.client.call(users.suspendUser, { params: { user: alice.user.id } });
    const [last] = await told;
    expect(JSON.parse(last.toString())).toMatchObject({
      type: "error",
      data: { message: expect.any(String) },
    });
    await closed;
  });
});

describe("an orderly stop of the server", () => {
  test("writes down that its agents have gone before it leaves the database", async () => {
    const lines: string[] = [];
    const own = await testServer({ logTo: { write: (line) => void lines.push(line) } });
    const { agentId, token } = await insertAgent(own, own.owner, "leaving");
    await connectFakeAgent(own.url, token);
    await own.server.close();
    const after = createDb({ url: own.databaseUrl });
    const row = await after
      .selectFrom("workspace_agents")
      .select("disconnected_at")
      .where("id", "=", agentId)
      .executeTakeFirstOrThrow();
    await after.destroy();
    await own.close();
    expect(row.disconnected_at).not.toBeNull();
    expect(lines.filter((line) => line.includes("could not note") || line.includes("destroyed"))).toEqual([]);
  });
});

describe("a terminal", () => {
  const connect = async (agentId: string, token: string) => {
    const query = new URLSearchParams({ reconnect: randomUUID() });
    const url = `${server.url.replace(/^http/, "ws")}/api/v2/workspaceagents/${agentId}/pty?${query}`;
    const socket = new WebSocket(url, { headers: { "Coder-Session-Token": token } });
    socket.on("error", () => {});
    const closed = new Promise<{ code: number; reason: string }>((resolve) =>
      socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    await once(socket, "open");
    return { socket, closed, id: query.get("reconnect") };
  };

  test("ends, in the agent too, when access is withdrawn", async () => {
    const alice = await server.createUser();
    const { agentId, token } = await insertAgent(server, alice, "terminal");
    const agent = await connectFakeAgent(server.url, token);
    const { closed, id } = await connect(agentId, alice.token);
    await expect.poll(() => agent.opened.length, { timeout: 15_000 }).toBe(1);
    await server.owner.client.call(users.suspendUser, { params: { user: alice.user.id } });
    expect(await closed).toEqual({ code: 1008, reason: "Your account was suspended." });
    await expect
      .poll(() => agent.forgotten, { timeout: 15_000 })
      .toEqual([{ resumeKeys: [], terminalIds: [id] }]);
    agent.close();
  });

  test("ends in the agent, too, when access is withdrawn while the browser is away", async () => {
    const alice = await server.createUser();
    const { agentId, token } = await insertAgent(server, alice, "left");
    const agent = await connectFakeAgent(server.url, token);
    const { socket, id } = await connect(agentId, alice.token);
    await expect.poll(() => agent.opened.length, { timeout: 15_000 }).toBe(1);
    const { stream } = agent.opened[0]!;
    stream.on("error", () => {});
    const lost = new Promise((resolve) => stream.once("close", resolve));
    stream.write(encodeDelimited(toBinary(StreamAcceptSchema, create(StreamAcceptSchema, { ok: true }))));
    socket.close();
    await lost;
    await server.owner.client.call(users.suspendUser, { params: { user: alice.user.id } });
    await expect
      .poll(() => agent.forgotten, { timeout: 15_000 })
      .toEqual([{ resumeKeys: [], terminalIds: [id] }]);
    agent.close();
  });

  test("whose agent is not there closes with the reason, without waiting for the browser", async () => {
    const { agentId } = await insertAgent(server, server.owner, "absent");
    const { closed } = await connect(agentId, server.owner.token);
    expect(await closed).toEqual({ code: 1011, reason: 'The agent "main" is not connected.' });
  });

  test("does not open when access is withdrawn while it waits for the agent", async () => {
    const alice = await server.createUser();
    const { agentId, token } = await insertAgent(server, alice, "waiting");
    const { closed } = await connect(agentId, alice.token);
    await server.owner.client.call(users.suspendUser, { params: { user: alice.user.id } });
    const agent = await connectFakeAgent(server.url, token);
    expect(await closed).toEqual({ code: 1008, reason: "Your account was suspended." });
    expect(agent.opened).toEqual([]);
    agent.close();
  });
});

describe("a tunnel", () => {
  /** Resolves when the agent has lost all streams that were opened to it. */
  const lost = (agent: FakeAgent) =>
    Promise.all(
      agent.opened.map(({ stream }) => {
        stream.on("error", () => {});
        return new Promise((resolve) => stream.once("close", resolve));
      }),
    );

  /** Opens a stream and waits until the agent has it. */
  async function openEchoed(tunnel: FakeTunnel, message: Parameters<FakeTunnel["open"]>[0]) {
    const stream = tunnel.open({ version: 1, kind: { case: "ping", value: {} }, ...message });
    stream.on("error", () => {});
    stream.write("hello");
    await once(stream, "data");
    return stream;
  }

  test("joins the owner's streams to the agent under the owner's name, whatever the client claims", async () => {
    const { agentId, token } = await insertAgent(server, server.owner, "tunnel");
    const agent = await connectFakeAgent(server.url, token);
    const tunnel = await connectFakeTunnel(server.url, agentId, server.owner.token);
    const stream = tunnel.open({
      version: 1,
      caller: { userId: "somebody-else", username: "mallory" },
      kind: { case: "ping", value: {} },
    });
    stream.write("ping");
    const [echo] = await once(stream, "data");
    expect(echo.toString()).toBe("ping");
    expect(agent.opened.at(-1)?.open.caller).toMatchObject({
      userId: server.owner.user.id,
      username: "owner",
    });
    stream.destroy();
    agent.close();
  });

  test("is refused to others, in the same words whether the agent exists or not", async () => {
    const { agentId } = await insertAgent(server, server.owner, "private");
    const other = await server.createUser();
    await expect(connectFakeTunnel(server.url, agentId, other.token)).rejects.toThrow("HTTP 404");
    await expect(connectFakeTunnel(server.url, randomUUID(), other.token)).rejects.toThrow("HTTP 404");
    await expect(connectFakeTunnel(server.url, agentId, "")).rejects.toThrow("HTTP 401");
  });

  test("does not wait for an agent that will not come back, and says why", async () => {
    const alice = await server.createUser();
    const { agentId, workspaceId } = await insertAgent(server, alice, "ending");
    const tunnel = await connectFakeTunnel(server.url, agentId, alice.token);
    const refused = async () => {
      const stream = tunnel.open({ version: 1, kind: { case: "ping", value: {} } });
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      const { errorCode, error } = fromBinary(StreamAcceptSchema, Buffer.concat(chunks).subarray(4));
      return [errorCode, error];
    };
    const build = (transition: "start" | "stop", completedAt: Date | null) =>
      sql`with build as (
          update workspace_builds set transition = ${transition} where workspace_id = ${workspaceId}
          returning job_id
        )
        update provisioner_jobs set completed_at = ${completedAt} from build where id = build.job_id`.execute(
        server.db,
      );
    await build("stop", null);
    expect(await refused()).toEqual(["refused", 'The workspace "ending" is being stopped.']);
    await build("stop", new Date());
    expect(await refused()).toEqual(["refused", 'The workspace "ending" was stopped.']);
    await build("start", new Date());
    await server.db
      .updateTable("workspace_agents")
      .set({ deleted: true })
      .where("id", "=", agentId)
      .execute();
    expect(await refused()).toEqual(["refused", 'The workspace "ending" was built anew. Connect again.']);
    tunnel.session.close();
  });

  test("opens no RPC stream to an agent", async () => {
    const { agentId, token } = await insertAgent(server, server.owner, "rpc");
    const agent = await connectFakeAgent(server.url, token);
    const tunnel = await connectFakeTunnel(server.url, agentId, server.owner.token);
    const stream = tunnel.open({ version: 1, kind: { case: "rpc", value: {} } });
    const chunks: Buffer[] = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    await once(stream, "end");
    expect(Buffer.concat(chunks).toString()).toContain("does not relay");
    expect(agent.opened).toEqual([]);
    agent.close();
  });

  test("leaves to the agent, when access is withdrawn, what it may still hold, and not all that ever was", async () => {
    const alice = await server.createUser();
    const { agentId, token } = await insertAgent(server, alice, "held");
    const agent = await connectFakeAgent(server.url, token);
    const tunnel = await connectFakeTunnel(server.url, agentId, alice.token);
    const open = async (key: number) => {
      const stream = tunnel.open({
        version: 1,
        kind: { case: "ping", value: {} },
        resume: { key: Buffer.alloc(16, key), resume: false, received: 0n },
      });
      stream.on("error", () => {});
      stream.write("hello");
      await once(stream, "data");
      return stream;
    };
    // Connections to a forwarded port come and go.
    for (let key = 1; key <= 3; key++) {
      const stream = await open(key);
      stream.end();
      stream.resume();
      await once(stream, "close");
    }
    const broken = await open(4);
    const towardsAgent = agent.opened.at(-1)?.stream;
    towardsAgent?.on("error", () => {});
    towardsAgent?.reset("unavailable");
    await new Promise((resolve) => broken.once("close", resolve));
    await open(5);
    const terminalId = randomUUID();
    const terminal = tunnel.open({ version: 1, kind: { case: "pty", value: { id: terminalId } } });
    terminal.on("error", () => {});
    terminal.write("hello");
    await once(terminal, "data");

    await server.owner.client.call(users.suspendUser, { params: { user: alice.user.id } });
    await tunnel.session.closed;
    await expect.poll(() => agent.forgotten.length, { timeout: 15_000 }).toBe(1);
    const [{ resumeKeys = [], terminalIds = [] } = {}] = agent.forgotten;
    expect(resumeKeys.map(([first]) => first).toSorted()).toEqual([4, 5]);
    expect(terminalIds).toEqual([terminalId]);
    agent.close();
  });

  test("leaves nothing to the agent when access is withdrawn while the client is away", async () => {
    const alice = await server.createUser();
    const { agentId, token } = await insertAgent(server, alice, "away");
    const agent = await connectFakeAgent(server.url, token);
    const tunnel = await connectFakeTunnel(server.url, agentId, alice.token);
    const terminalId = randomUUID();
    await openEchoed(tunnel, { resume: { key: Buffer.alloc(16, 1) } });
    await openEchoed(tunnel, { kind: { case: "pty", value: { id: terminalId } } });
    tunnel.session.close();
    await lost(agent);

    await server.owner.client.call(users.suspendUser, { params: { user: alice.user.id } });
    await expect
      .poll(() => agent.forgotten, { timeout: 15_000 })
      .toEqual([{ resumeKeys: [new Uint8Array(16).fill(1)], terminalIds: [terminalId] }]);
    agent.close();
  });

  test("that went on in another session does not end with the one before", async () => {
    const alice = await server.createUser();
    const { agentId, token } = await insertAgent(server, alice, "moved");
    const agent = await connectFakeAgent(server.url, token);
    const { key: later } = await alice.client.call(apiKeys.createSessionKey, { params: { user: "me" } });
    const resume = { key: Buffer.alloc(16, 1) };
    const before = await connectFakeTunnel(server.url, agentId, alice.token);
    await openEchoed(before, { resume });
    await openEchoed(before, { resume: { key: Buffer.alloc(16, 2) } });
    before.session.close();
    await lost(agent);
    const after = await connectFakeTunnel(server.url, agentId, later);
    await openEchoed(after, { resume: { ...resume, resume: true } });

    await server.client(later).call(apiKeys.deleteKey, {
      params: { user: "me", keyid: alice.token.slice(0, 10) },
    });
    await expect
      .poll(() => agent.forgotten, { timeout: 15_000 })
      .toEqual([{ resumeKeys: [new Uint8Array(16).fill(2)], terminalIds: [] }]);
    after.session.close();
    agent.close();
  });

  test("that a server of before had opened is forgotten by the agent that tells of it, when access has gone", async () => {
    const [alice, bob] = [await server.createUser(), await server.createUser()];
    const { token } = await insertAgent(server, alice, "told");
    const agent = await connectFakeAgent(server.url, token);
    await server.owner.client.call(users.suspendUser, { params: { user: alice.user.id } });
    const keptFor = ({ user, token: key }: TestUser, resumeKey: number) => ({
      userId: user.id,
      keyId: key.slice(0, 10),
      resumeKeys: [Buffer.alloc(16, resumeKey)],
    });
    await agent.service.reportKept({ kept: [keptFor(alice, 1), keptFor(server.owner, 2), keptFor(bob, 3)] });
    await expect
      .poll(
        () => agent.forgotten.flatMap(({ resumeKeys }) => resumeKeys.map(([first]) => first)).toSorted(),
        {
          timeout: 15_000,
        },
      )
      .toEqual([1, 3]);
    agent.close();
  });

  test("is cut when the user is suspended, with the reason, and others go on", async () => {
    const alice = await server.createUser();
    const { agentId, token } = await insertAgent(server, alice, "cut");
    const agent = await connectFakeAgent(server.url, token);
    const hers = await connectFakeTunnel(server.url, agentId, alice.token);
    const owners = await connectFakeTunnel(server.url, agentId, server.owner.token);
    const kept = owners.open({ version: 1, kind: { case: "ping", value: {} } });
    kept.write("still");
    await once(kept, "data");

    const cut = hers.open({ version: 1, kind: { case: "ping", value: {} } });
    cut.write("still");
    await once(cut, "data");

    await server.db
      .updateTable("users")
      .set({ status: "suspended" })
      .where("id", "=", alice.user.id)
      .execute();
    await server.deps.events.publish(server.db, "access", alice.user.id);
    await hers.session.closed;
    expect(cut.errored).toMatchObject({ reset: "forbidden", message: "Your account was suspended." });
    kept.write("here");
    expect((await once(kept, "data"))[0].toString()).toBe("here");
    owners.session.close();
    agent.close();
  });
});
