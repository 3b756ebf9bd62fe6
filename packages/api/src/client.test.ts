import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type ClientOptions, createClient } from "./client.ts";
import { ApiConnectionError, ApiResponseError } from "./client-errors.ts";
import { uploadFile } from "./files.ts";
import { getDaemons } from "./provisioner-daemons.ts";
import type { ServerSentEvent } from "./server-sent-events.ts";
import { createUser, getUser, getUsers } from "./users.ts";
import { getBuildLogs } from "./workspace-builds.ts";
import { favoriteWorkspace, watchWorkspace } from "./workspaces.ts";

const id = "6b7ba4ab-5b2e-4f2c-9c57-0e0a1c3d9f10";
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

type Seen = { method: string; url: string; headers: IncomingMessage["headers"]; body: string };

/** A server that records each request and answers as told. */
async function serve(
  answer: (res: ServerResponse, req: IncomingMessage) => void,
  options?: Partial<ClientOptions>,
) {
  const seen: Seen[] = [];
  const server = createServer(async (req, res) => {
    let body = "";
    for await (const chunk of req) body += chunk;
    seen.push({ method: req.method!, url: req.url!, headers: req.headers, body });
    answer(res, req);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, seen, client: createClient({ url: `${url}/`, token: "id-secret", ...options }) };
}

function sendJson(res: ServerResponse, status: number, body: unknown) {
  res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail("the call should have failed"),
    (err: unknown) => err,
  );
}

describe("requests", () => {
  test("carry token, headers, encoded parameters and query", async () => {
    const { client, seen } = await serve((res) => sendJson(res, 200, []), {
      headers: { "X-Proxy": "yes" },
      userAgent: "coder/2",
    });
    await client.call(getDaemons, {
      params: { organization: "a/b?c" },
      query: { status: ["idle", "busy"], tags: { zone: "eu" }, limit: 5, offline: undefined },
    });
    expect(seen[0]).toMatchObject({
      method: "GET",
      url: "/api/v2/organizations/a%2Fb%3Fc/provisionerdaemons?status=idle&status=busy&tags=%7B%22zone%22%3A%22eu%22%7D&limit=5",
      headers: { "coder-session-token": "id-secret", "x-proxy": "yes", "user-agent": "coder/2" },
    });
  });

  test("send bodies as JSON and archives as they are", async () => {
    const { client, seen } = await serve((res) => sendJson(res, 201, { hash: id }));
    await client.call(createUser, { body: { username: "ada", email: "ada@example.com" } });
    expect(seen[0]).toMatchObject({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"username":"ada","email":"ada@example.com"}',
    });
    const data = new TextEncoder().encode("tar bytes");
    const { hash } = await client.call(uploadFile, { upload: { contentType: "application/x-tar", data } });
    expect(hash).toBe(id);
    expect(seen[1]).toMatchObject({ headers: { "content-type": "application/x-tar" }, body: "tar bytes" });
  });

  test("refuse a parameter that would address another route", async () => {
    const client = createClient({ url: "http://127.0.0.1:1" });
    for (const user of ["", ".", ".."]) {
      await expect(client.call(getUser, { params: { user } })).rejects.toThrow('the parameter "user"');
    }
  });
});

describe("answers", () => {
  test("keep fields that this client does not know", async () => {
    const { client } = await serve((res) => sendJson(res, 200, { username: "ada", future: 1 }));
    expect(await client.call(getUser, { params: { user: "me" } })).toEqual({ username: "ada", future: 1 });
  });

  test("without a body are undefined", async () => {
    const { client } = await serve((res) => res.writeHead(204).end());
    expect(await client.call(favoriteWorkspace, { params: { workspace: id } })).toBeUndefined();
  });

  test("are shown to onResponse, refusals too", async () => {
    const versions: (string | null)[] = [];
    const { client } = await serve(
      (res) => res.writeHead(404, { "X-Coder-Build-Version": "v2.39.0" }).end("{}"),
      { onResponse: (res) => void versions.push(res.headers.get("x-coder-build-version")) },
    );
    await failure(client.call(getUser, { params: { user: "me" } }));
    expect(versions).toEqual(["v2.39.0"]);
  });
});

describe("refusals", () => {
  test("carry what the server said", async () => {
    const validations = [{ field: "username", detail: "username is required." }];
    const { client, url } = await serve((res) =>
      sendJson(res, 400, { message: "Validation failed.", detail: "why", validations }),
    );
    const err = await failure(client.call(getUsers, { query: { q: "secret" } }));
    expect(err).toBeInstanceOf(ApiResponseError);
    expect(err).toMatchObject({
      status: 400,
      message: "Validation failed.",
      detail: "why",
      validations,
      method: "GET",
      url: `${url}/api/v2/users`,
    });
  });

  test("of another shape still give status and text", async () => {
    const { client } = await serve((res) => sendJson(res, 502, { error: "x" }));
    expect(await failure(client.call(getUsers))).toMatchObject({
      status: 502,
      message: "The server answered 502 Bad Gateway",
    });
  });

  test.each([200, 403])("a web page with status %d hints at proxies and sign-on pages", async (status) => {
    const { client } = await serve((res) =>
      res.writeHead(status, { "Content-Type": "text/html" }).end("<!doctype html>"),
    );
    expect(await failure(client.call(getUsers))).toMatchObject({
      name: "ApiResponseError",
      status,
      message: "The answer is a web page, not JSON.",
      detail: expect.stringContaining("single sign-on"),
    });
  });

  test("a redirect is not followed, so no other host sees the token", async () => {
    const other = await serve((res) => sendJson(res, 200, {}));
    const { client } = await serve((res) => res.writeHead(307, { Location: `${other.url}/x` }).end());
    expect(await failure(client.call(getUsers))).toMatchObject({
      status: 307,
      message: `The server redirects to ${other.url}.`,
    });
    expect(other.seen).toEqual([]);
  });
});

describe("no answer", () => {
  test("a refused connection names the address and the next step", async () => {
    const { url, client } = await serve(() => undefined);
    for (const close of closers.splice(0)) close();
    const err = await failure(client.call(getUsers));
    expect(err).toBeInstanceOf(ApiConnectionError);
    expect(err).toMatchObject({ code: "ECONNREFUSED" });
    expect(String(err)).toContain(`Cannot reach ${url}`);
    expect(String(err)).toContain("Is the server running");
  });

  test("a server without TLS is named as that where TLS was wanted, with what to write", async () => {
    const { url } = await serve((res) => sendJson(res, 200, {}));
    const { host } = new URL(url);
    const err = await failure(createClient({ url: `https://${host}` }).call(getUsers));
    expect(err).toBeInstanceOf(ApiConnectionError);
    expect(String(err)).toContain(`Cannot reach https://${host}: what answers there does not speak TLS.`);
    expect(String(err)).toContain("write http:// in front of the address");
  });

  test("a silent server is given up", async () => {
    const { client } = await serve(() => undefined, { timeoutMs: 50 });
    expect(String(await failure(client.call(getUsers)))).toContain("did not answer within 0.05 s");
  });

  test("a body that stalls is given up too", async () => {
    const { client } = await serve((res) => res.writeHead(200).write('{"users":'), { timeoutMs: 200 });
    expect(String(await failure(client.call(getUsers)))).toContain("did not answer within 0.2 s");
  });

  test("the caller's own cancellation comes back as it is", async () => {
    const { client } = await serve(() => undefined);
    const controller = new AbortController();
    const promise = failure(client.call(getUsers, { signal: controller.signal }));
    const reason = new Error("changed my mind");
    controller.abort(reason);
    expect(await promise).toBe(reason);
  });
});

describe("streams", () => {
  test("server-sent events arrive one by one, however they are cut", async () => {
    const { client, seen } = await serve((res) => {
      res.writeHead(200, { "Content-Type": "text/event-stream" });
      const bytes = Buffer.from(
        ': hello\r\n\r\nevent: ping\r\ndata:\r\n\r\nevent: data\ndata: {"a":\ndata: "é"}\n\ndata: end\n\n',
      );
      for (const byte of bytes) res.write(Buffer.of(byte));
      res.end();
    });
    const events: ServerSentEvent[] = [];
    for await (const event of client.events(watchWorkspace, { params: { workspace: id } }))
      events.push(event);
    expect(events).toEqual([
      { event: "ping", data: "" },
      { event: "data", data: '{"a":\n"é"}' },
      { event: "message", data: "end" },
    ]);
    expect(seen[0]!.headers.accept).toBe("text/event-stream");
  });

  test("a socket's address and headers", () => {
    const client = createClient({ url: "https://coder.example.com", token: "t" });
    expect(
      client.webSocket(getBuildLogs, { params: { workspacebuild: id }, query: { follow: true, after: 3 } }),
    ).toEqual({
      url: `wss://coder.example.com/api/v2/workspacebuilds/${id}/logs?follow=true&after=3`,
      headers: { "Coder-Session-Token": "t" },
    });
  });
});
