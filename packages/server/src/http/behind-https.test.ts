import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestServer, testServer } from "../testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer({
    withOwner: false,
    config: {
      accessUrl: "https://coder.example.com",
      redirectToAccessUrl: true,
      hostPrefixCookie: true,
      strictTransportSecurity: 3600,
      strictTransportSecurityOptions: ["includeSubDomains"],
      additionalCspPolicy: ["frame-src https://example.com"],
      proxyTrustedOrigins: ["127.0.0.0/8"],
    },
  });
});
afterAll(() => server.close());

/** As a proxy on this host forwards it. */
function forwarded(path: string, init: RequestInit & { headers?: Record<string, string> } = {}) {
  const headers = { "X-Forwarded-Host": "coder.example.com", "X-Forwarded-Proto": "https", ...init.headers };
  return fetch(server.url + path, { redirect: "manual", ...init, headers });
}

test("sessions are for https and for this host alone, and keep their rights", async () => {
  const body = JSON.stringify({
    email: "ada@example.com",
    username: "ada",
    password: "correct horse battery",
  });
  expect((await forwarded("/api/v2/users/first", { method: "POST", body })).status).toBe(201);
  const login = await forwarded("/api/v2/users/login", { method: "POST", body });
  const [session = ""] = login.headers.getSetCookie();
  expect(session).toMatch(/^__Host-coder_session_token=[\w-]+; Path=\/; SameSite=Lax; Secure; HttpOnly$/);
  const Cookie = session.split(";", 1)[0] ?? "";
  expect((await forwarded("/api/v2/users/me", { headers: { Cookie } })).status).toBe(200);
  // Another host of the domain can plant a cookie without the prefix; it counts for nothing.
  const planted = Cookie.replace("__Host-", "");
  expect((await forwarded("/api/v2/users/me", { headers: { Cookie: planted } })).status).toBe(401);
});

test("browsers are told to stay with https and with our policy", async () => {
  const { headers } = await forwarded("/api/v2/buildinfo");
  expect(headers.get("strict-transport-security")).toBe("max-age=3600; includeSubDomains");
  expect(headers.get("content-security-policy")).toMatch(/frame-src https:\/\/example\.com$/);
});

test("requests under another name are sent to the access URL, and never to another host", async () => {
  const direct = (path: string) => fetch(server.url + path, { redirect: "manual" });
  const redirected = await direct("/api/v2/buildinfo?a=b");
  expect([redirected.status, redirected.headers.get("location")]).toEqual([
    307,
    "https://coder.example.com/api/v2/buildinfo?a=b",
  ]);
  const tricky = await direct("//evil.example.com/path");
  expect(tricky.headers.get("location")).toBe("https://coder.example.com/evil.example.com/path");
  expect((await direct("/healthz")).status).toBe(200);
});
