import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestServer, testServer } from "../testing/test-server.ts";

let test1: TestServer;
beforeAll(async () => {
  test1 = await testServer();
});
afterAll(() => test1.close());

async function send(path: string, init: RequestInit = {}) {
  const res = await fetch(test1.url + path, { redirect: "manual", ...init });
  const text = await res.text();
  return { status: res.status, headers: res.headers, body: text === "" ? undefined : JSON.parse(text) };
}

function asOwner(init: RequestInit = {}): RequestInit {
  return { ...init, headers: { "Coder-Session-Token": test1.owner.token, ...init.headers } };
}

describe("every answer", () => {
  test("names the request, the version and what browsers may do with it", async () => {
    const { status, headers } = await send("/api/v2/buildinfo");
    expect(status).toBe(200);
    expect(headers.get("x-coder-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get("x-coder-build-version")).toMatch(/^v2\.39\.0\+slipway\.\d+\.\d+\.\d+$/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });

  test("refusals have the documented body, and never a stack", async () => {
    const unknown = await send("/api/v2/no/such/route");
    expect(unknown).toMatchObject({ status: 404, body: { message: "Route not found." } });
    expect(unknown.headers.get("content-type")).toContain("application/json");
    expect(await send("/api/v2/buildinfo", { method: "DELETE" })).toMatchObject({
      status: 405,
      body: { message: "DELETE is not possible here.", detail: "Allowed: GET, HEAD." },
    });
    const broken = await send("/api/v2/%zz");
    expect(broken.status).toBe(400);
    expect(broken.body).toEqual({ message: "The address is not a valid URL." });
    expect(broken.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("an address outside the API is not found either", async () => {
    expect(await send("/nothing/here")).toMatchObject({ status: 404, body: { message: "Route not found." } });
  });
});

describe("text that no database row can hold", () => {
  const nul = "must not hold a NUL character.";
  const post = (path: string, body: unknown) =>
    send(path, asOwner({ method: "POST", body: JSON.stringify(body) }));

  test("is refused by its field in addresses and queries", async () => {
    const requests: [string, string][] = [
      ["/users/a%00b", "user"],
      ["/organizations/%00", "organization"],
      ["/users?q=name:a%00b", "q"],
      ["/organizations/default/provisionerdaemons?tags=%7B%22zone%22%3A%22%5Cu0000%22%7D", "tags.zone"],
    ];
    for (const [path, field] of requests) {
      expect(await send(`/api/v2${path}`, asOwner())).toMatchObject({
        status: 400,
        body: { validations: [{ field, detail: `${field} ${nul}` }] },
      });
    }
  });

  test("is refused by its field in bodies, from strangers too", async () => {
    const login = { method: "POST", body: JSON.stringify({ email: "a\0@example.com", password: "x" }) };
    expect(await send("/api/v2/users/login", login)).toMatchObject({
      status: 400,
      body: { message: "Validation failed.", validations: [{ field: "email", detail: `email ${nul}` }] },
    });
    const keys = "/api/v2/organizations/default/provisionerkeys";
    expect(await post(keys, { name: "half", tags: { zone: "\ud800" } })).toMatchObject({
      status: 400,
      body: { validations: [{ field: "tags.zone", detail: expect.stringContaining("Unicode") }] },
    });
    expect(await post(keys, { name: "half", tags: { "\udc00": "x" } })).toMatchObject({
      status: 400,
      body: { validations: [{ field: "tags", detail: expect.stringContaining("has a name that") }] },
    });
    expect((await post(keys, { name: "whole", tags: { zone: "\u{1f30d}" } })).status).toBe(201);
  });
});

describe("bodies", () => {
  const authcheck = (body: string) => send("/api/v2/authcheck", asOwner({ method: "POST", body }));

  test("broken JSON is refused with its position and without its content", async () => {
    const { status, body } = await authcheck('{"checks": {\n "secret-word" x');
    expect(status).toBe(400);
    expect(body.message).toBe("Request body must be valid JSON.");
    expect(body.detail).toContain("line 2");
    expect(JSON.stringify(body)).not.toContain("secret-word");
  });

  test("wrong types are named field by field", async () => {
    const { status, body } = await authcheck('{"checks": 3}');
    expect(status).toBe(400);
    expect(body).toMatchObject({ message: "Validation failed.", validations: [{ field: "checks" }] });
  });

  test("a missing body is one of the wrong types", async () => {
    expect(await authcheck("")).toMatchObject({ status: 400, body: { validations: [{ field: "body" }] } });
  });

  test("a body that is too long is refused", async () => {
    const { status, body } = await authcheck(JSON.stringify({ checks: "x".repeat(2 * 1024 * 1024) }));
    expect(status).toBe(413);
    expect(body.message).toBe("The request body is too large.");
  });

  test("who reads no answer before all is sent finds that it was too long", async () => {
    const { hostname, port } = new URL(test1.url);
    const bytes = 16 * 1024 * 1024;
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /api/v2/authcheck HTTP/1.1\r\nHost: ${hostname}\r\nCoder-Session-Token: ${test1.owner.token}\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`,
    );
    const piece = Buffer.alloc(64 * 1024, "x");
    for (let sent = 0; sent < bytes; sent += piece.length) {
      if (!socket.write(piece)) await once(socket, "drain");
    }
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 /);
    socket.destroy();
  });

  test("unknown query parameters are refused by name", async () => {
    const { status, body } = await send("/api/v2/users?nonsense=1", asOwner());
    expect(status).toBe(400);
    expect(body.validations).toEqual([{ field: "nonsense", detail: expect.stringContaining("nonsense") }]);
  });
});

describe("keys", () => {
  const withToken = (token: string) =>
    send("/api/v2/regions", token === "" ? {} : { headers: { "Coder-Session-Token": token } });

  test.each([
    ["missing", "", "missing"],
    ["malformed", "abc", "malformed"],
    ["unknown", "aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb", "not known"],
  ])("a %s one is 401 and says so", async (_, token, word) => {
    const { status, body } = await withToken(token);
    expect(status).toBe(401);
    expect(body.detail).toContain(word);
  });

  test("a wrong secret is 401", async () => {
    const { token } = test1.owner;
    const last = token.at(-1) === "a" ? "b" : "a";
    const { status, body } = await withToken(token.slice(0, -1) + last);
    expect(status).toBe(401);
    expect(body.detail).toContain("secret is wrong");
  });

  test.each([
    ["a header", (token: string): RequestInit => ({ headers: { "Coder-Session-Token": token } }), ""],
    [
      "a bearer token",
      (token: string): RequestInit => ({ headers: { Authorization: `Bearer ${token}` } }),
      "",
    ],
    [
      "a cookie",
      (token: string): RequestInit => ({ headers: { Cookie: `a=b; coder_session_token=${token}` } }),
      "",
    ],
    ["the query", (): RequestInit => ({}), "?coder_session_token="],
  ])("it may come in %s", async (_, init, query) => {
    const { token } = test1.owner;
    const { status } = await send(`/api/v2/regions${query && query + token}`, init(token));
    expect(status).toBe(200);
  });
});

describe("requests that a foreign page could make", () => {
  test("a cookie alone changes nothing, with the token it does", async () => {
    const { token } = test1.owner;
    const cookie = { Cookie: `coder_session_token=${token}` };
    const body = JSON.stringify({ checks: {} });
    const refused = await send("/api/v2/authcheck", { method: "POST", body, headers: cookie });
    expect(refused).toMatchObject({ status: 400, body: { message: "The CSRF token is missing or wrong." } });
    const { csrfTokenOf } = await import("./csrf.ts");
    const headers = { ...cookie, "X-CSRF-TOKEN": csrfTokenOf(token) };
    expect((await send("/api/v2/authcheck", { method: "POST", body, headers })).status).toBe(200);
  });

  test("an upgrade from another origin is refused before anything else", async () => {
    const answer = await upgrade("/api/v2/regions", { Origin: "https://evil.example.com" });
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain("another origin");
    expect(await upgrade("/api/v2/regions", {})).toMatch(/^HTTP\/1\.1 401 /);
  });
});

/** Asks for an upgrade by hand and returns all that comes back. */
function upgrade(path: string, headers: Record<string, string>): Promise<string> {
  const { hostname, port, host } = new URL(test1.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const lines = Object.entries({
      Host: host,
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": Buffer.alloc(16).toString("base64"),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  });
}
