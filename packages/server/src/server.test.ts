import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { Validator } from "@seriousme/openapi-schema-validator";
import { general, users } from "@slipway/api";
import pg from "pg";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { loadConfig } from "./config/load-config.ts";
import type { ServerConfig } from "./config/server-options.ts";
import { createTestDatabase, type TestDatabase } from "./db/testing/test-database.ts";
import { toApiConfig } from "./deployment/to-api-config.ts";
import { type Server, startServer } from "./server.ts";
import { postgresSocket, startCuttableProxy } from "./testing/cuttable-proxy.ts";
import { refusal } from "./testing/refusal.ts";
import { testServer } from "./testing/test-server.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

function start(config: Partial<ServerConfig> = {}, databaseUrl = database.url): Promise<Server> {
  return startServer({
    config: {
      ...loadConfig().config,
      httpAddress: "127.0.0.1:0",
      externalTokenEncryptionKeys: [key],
      ...config,
    },
    log: pino({ level: "silent" }),
    databaseUrl,
    closeGraceMs: 500,
  });
}
const key = randomBytes(32).toString("base64");

describe("a server", () => {
  test("stops once, whoever asks how often, and frees its address", async () => {
    const first = await start();
    await fetch(`${first.url}/healthz`);
    await Promise.all([first.close(), first.close()]);
    await expect(fetch(`${first.url}/healthz`)).rejects.toThrow();
    const again = await start({ httpAddress: new URL(first.url).host });
    expect(await (await fetch(`${again.url}/healthz`)).text()).toBe("OK");
    await again.close();
  });

  test("names the address that is taken", async () => {
    const first = await start();
    const { host } = new URL(first.url);
    await expect(start({ httpAddress: host })).rejects.toThrow(`Cannot listen on ${host}: another program`);
    await first.close();
  });

  test("does not start without the key of its secrets", async () => {
    const other = randomBytes(32).toString("base64");
    await expect(start({ externalTokenEncryptionKeys: [other] })).rejects.toThrow(/which is missing/);
    // Nothing goes on behind its back: a listener that stayed would keep the process alive for ever.
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query(
      "select application_name from pg_stat_activity where datname = current_database() and application_name = 'slipway events'",
    );
    await client.end();
    expect(rows).toEqual([]);
  });

  test("shows its metrics, where asked to, on an address of their own", async () => {
    const taken = await start();
    const prometheusAddress = new URL(taken.url).host;
    await taken.close();
    const server = await start({ prometheusEnable: true, prometheusAddress });
    await fetch(`${server.url}/api/v2/users/someone`);
    const metrics = await (await fetch(`http://${prometheusAddress}/metrics`)).text();
    expect(metrics).toContain(
      'coderd_api_requests_processed_total{code="401",method="GET",path="/api/v2/users/:user"} 1',
    );
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
    await server.close();
  });
});

test("while Postgres is away requests answer 503, and afterwards all is as before", async () => {
  const target = new pg.Client(database.url);
  const proxy = await startCuttableProxy(() => postgresSocket({ host: target.host, port: target.port }));
  const url = new URL(`postgres://${proxy.host}:${proxy.port}/${target.database}`);
  url.username = target.user ?? "";
  url.password = String(target.password ?? "");
  const server = await start({}, url.href);
  const get = () => fetch(`${server.url}/api/v2/users/first`);
  expect((await get()).status).toBe(404);

  proxy.cut();
  await vi.waitFor(() => expect(server.deps.events.listeningForMs()).toBeNull(), { timeout: 10_000 });
  const away = await get();
  expect(away.status).toBe(503);
  expect(away.headers.get("retry-after")).toBe("1");
  expect(await away.json()).toEqual({
    message: "The database cannot be reached at the moment. Try again shortly.",
  });
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);

  proxy.restore();
  await vi.waitFor(async () => expect((await get()).status).toBe(404), { timeout: 10_000 });
  await vi.waitFor(() => expect(server.deps.events.listeningForMs()).not.toBeNull(), { timeout: 10_000 });
  await server.close();
  await proxy.close();
});

test("TLS is served, and a renewed certificate without a restart", async () => {
  const dir = await mkdtemp(join(tmpdir(), "tls-"));
  const [cert, keyFile] = [join(dir, "tls.crt"), join(dir, "tls.key")];
  const install = async (name: string) => {
    await copyFile(join(import.meta.dirname, `http/testdata/${name}.key.pem`), keyFile);
    await copyFile(join(import.meta.dirname, `http/testdata/${name}.cert.pem`), cert);
  };
  await install("first");
  const server = await start({
    httpAddress: "",
    tlsEnable: true,
    tlsAddress: "127.0.0.1:0",
    tlsCertFiles: [cert],
    tlsKeyFiles: [keyFile],
  });
  expect(server.url).toMatch(/^https:/);
  const shown = () => certificateName(Number(new URL(server.url).port));
  expect(await shown()).toBe("first.example.com");
  await install("second");
  await vi.waitFor(async () => expect(await shown()).toBe("second.example.com"), { timeout: 10_000 });
  await server.close();
  await rm(dir, { recursive: true });
});

function certificateName(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("the deployment tells of itself", () => {
  test("its version, in a form that Coder's clients understand", async () => {
    const server = await testServer();
    const info = await server.client().call(general.getBuildInfo);
    expect(info).toMatchObject({
      dashboard_url: server.url,
      deployment_id: server.deps.deploymentId,
      telemetry: false,
    });
    expect(info.version).toMatch(/^v2\.39\.0\+slipway\.\d+\.\d+\.\d+$/);
    const { features } = await server.client().call(general.getEntitlements);
    expect(features.service_accounts).toEqual({ entitlement: "entitled", enabled: true });
    await server.close();
  });

  test("its settings to those who may, without the secrets", async () => {
    const server = await testServer({ config: { postgresUrl: "postgres://user:secret-word@host/db" } });
    const member = await server.createUser();
    expect((await refusal(member.client.call(general.getDeploymentConfig))).status).toBe(403);
    const { config, options } = await server.owner.client.call(general.getDeploymentConfig);
    expect(config).toMatchObject({
      access_url: server.url,
      provisioner: { daemons: 3 },
      tls: { enable: false },
    });
    expect(JSON.stringify({ config, options })).not.toContain("secret-word");
    expect(options.find((option) => option.flag === "session-duration")).toMatchObject({
      env: "CODER_SESSION_DURATION",
      default: "24h0m0s",
      value: 86_400_000_000_000,
    });
    await server.close();
  });

  test("where each setting was read from", () => {
    const { config, sources } = loadConfig({
      flags: { sessionDurationMs: "2h" },
      env: { CODER_SESSION_DURATION: "3h", CODER_PROVISIONER_DAEMONS: "3" },
      yaml: "networking:\n  accessURL: https://coder.example.com\n",
    });
    const { options } = toApiConfig(config, sources);
    const sourceOf = (flag: string) => options.find((option) => option.flag === flag)?.value_source;
    expect(sourceOf("session-duration")).toBe("flag");
    // Given, although it is what would be taken anyway.
    expect(sourceOf("provisioner-daemons")).toBe("env");
    expect(sourceOf("access-url")).toBe("yaml");
    expect(sourceOf("http-address")).toBe("default");
  });

  test("its API as a valid document of what it serves", async () => {
    const server = await testServer();
    const document = await server.client().call(general.getOpenApi);
    const { valid, errors } = await new Validator().validate(document);
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    const paths = document.paths as Record<string, Record<string, unknown>>;
    expect(Object.keys(paths["/api/v2/users/{user}"]!).sort()).toEqual(["delete", "get"]);
    expect(Object.keys(paths).length).toBeGreaterThan(80);
    await server.close();
  });
});

test("the rate limit of logins holds, and only owners pass by it", async () => {
  const server = await testServer({ config: { dangerousDisableRateLimits: false } });
  const attempt = (headers: Record<string, string> = {}) =>
    fetch(`${server.url}/api/v2/users/validate-password`, {
      method: "POST",
      headers,
      body: JSON.stringify({ password: "x" }),
    });
  const statuses: number[] = [];
  for (let count = 0; count < 60; count++) statuses.push((await attempt()).status);
  expect(new Set(statuses)).toEqual(new Set([200]));
  const limited = await attempt();
  expect(limited.status).toBe(429);
  expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(limited.headers.get("x-ratelimit-limit")).toBe("60");
  expect((await attempt({ "X-Coder-Bypass-Ratelimit": "true" })).status).toBe(428);
  server.clock.advance(61_000);
  expect((await attempt()).status).toBe(200);
  // Other routes count for themselves.
  await server.owner.client.call(users.getUser, { params: { user: "me" } });
  await server.close();
});
