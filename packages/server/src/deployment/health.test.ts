import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { audit, daemons, general, health } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { type TestServer, testServer } from "../testing/test-server.ts";
import { buildVersion } from "./version.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const report = (force = true) => server.owner.client.call(health.getHealth, { query: { force } });

async function addDaemon(fields: { version: string; api_version: string }): Promise<void> {
  const now = server.clock.now();
  await server.db
    .insertInto("provisioner_daemons")
    .values({
      id: crypto.randomUUID(),
      organization_id: server.organizationId,
      key_id: daemons.reservedProvisionerKeyIds.builtIn,
      name: `daemon-${fields.version}`,
      provisioners: ["terraform"],
      tags: "{}",
      instance_id: "",
      created_at: now,
      last_seen_at: now,
      ...fields,
    })
    .execute();
}

describe("the health report", () => {
  test("says that everything is reached and that nobody is there to build", async () => {
    const found = await report();
    expect(found.database).toMatchObject({ reachable: true, threshold_ms: 15, error: null });
    expect(found.database.latency_ms).toBeGreaterThan(0);
    expect(found.access_url).toMatchObject({
      access_url: server.url,
      status_code: 200,
      healthz_response: "OK",
      severity: "ok",
    });
    expect(found.websocket).toMatchObject({ code: 101, severity: "ok", error: null });
    expect(found.workspace_proxy.workspace_proxies.regions).toEqual([]);
    expect(found.provisioner_daemons).toMatchObject({ severity: "error", items: [] });
    expect(found.provisioner_daemons.error).toContain("EPD01");
    expect(found).toMatchObject({ healthy: false, severity: "error", coder_version: buildVersion });
  });

  test("is kept until a new one is asked for, and warns of daemons of other versions", async () => {
    const { time } = await report();
    await addDaemon({ version: buildVersion, api_version: "1.0" });
    await addDaemon({ version: "v2.1.0", api_version: "9.0" });
    server.clock.advance(60_000);
    expect((await report(false)).time).toBe(time);
    server.clock.advance(-60_000);
    const found = await report();
    expect(found.provisioner_daemons.items).toHaveLength(2);
    const codes = found.provisioner_daemons.warnings.map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(["EPD02", "EPD03"]));
    expect(found.provisioner_daemons).toMatchObject({ severity: "warning", healthy: true });
  });

  test("what is dismissed is told and does not count", async () => {
    const put = (sections: health.HealthSection[]) =>
      server.owner.client.call(health.updateHealthSettings, { body: { dismissed_healthchecks: sections } });
    await put(["ProvisionerDaemons", "Database"]);
    const settings = await server.owner.client.call(health.getHealthSettings);
    expect(settings.dismissed_healthchecks.sort()).toEqual(["Database", "ProvisionerDaemons"]);
    const found = await report();
    expect(found.provisioner_daemons).toMatchObject({ dismissed: true, severity: "warning" });
    expect(found.severity).toBe("ok");
    const entries = () =>
      server.owner.client.call(audit.listAuditLogs, { query: { q: "resource_type:health_settings" } });
    expect((await entries()).count).toBe(1);
    await put(["ProvisionerDaemons", "Database"]);
    expect((await entries()).count).toBe(1);
  });

  test("is not for everybody", async () => {
    const { client } = await server.createUser();
    expect((await refusal(client.call(health.getHealth))).status).toBe(403);
    const settings = refusal(
      client.call(health.updateHealthSettings, { body: { dismissed_healthchecks: [] } }),
    );
    expect((await settings).status).toBe(403);
  });

  test("an access URL that leads elsewhere is found out", async () => {
    const stranger = createServer((_, res) => res.writeHead(404).end("who?"));
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    // Listening on an address gives one.
    const { port } = stranger.address() as AddressInfo;
    const own = await testServer({ config: { accessUrl: `http://127.0.0.1:${port}` } });
    try {
      const found = await own.owner.client.call(health.getHealth);
      expect(found.access_url).toMatchObject({ reachable: true, status_code: 404, healthz_response: "who?" });
      expect(found.access_url.error).toContain("EACS04");
      expect(found.websocket).toMatchObject({ code: 404, healthy: false });
      expect(found.websocket.error).toContain("EWS01");
    } finally {
      await own.close();
      stranger.close();
    }
  });
});

test("there is no host for web apps yet", async () => {
  expect(await server.owner.client.call(general.getAppHost)).toEqual({ host: "" });
});

test("a browser's report of a CSP violation is logged without secrets of its addresses", async () => {
  const lines: string[] = [];
  const own = await testServer({ logTo: { write: (line) => void lines.push(line) } });
  try {
    const res = await fetch(`${own.url}/api/v2/csp/reports`, {
      method: "POST",
      headers: { "Content-Type": "application/csp-report" },
      body: JSON.stringify({
        "csp-report": {
          "document-uri": "https://coder.example.com/login?token=hush",
          "blocked-uri": "https://evil.example.com/x.js",
          "violated-directive": "script-src",
        },
      }),
    });
    expect(res.status).toBe(200);
    const line = lines.find((each) => each.includes("CSP violation")) ?? "";
    expect(JSON.parse(line)).toMatchObject({
      document: "https://coder.example.com/login",
      blocked: "https://evil.example.com/x.js",
      directive: "script-src",
    });
    expect(line).not.toContain("hush");
  } finally {
    await own.close();
  }
});
