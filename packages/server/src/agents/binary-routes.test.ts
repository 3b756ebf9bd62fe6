import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BinarySource } from "../deps.ts";
import { type TestServer, testServer } from "../testing/test-server.ts";

const content = "an executable";

let dir: string;
let server: TestServer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-binary-routes-"));
  const path = join(dir, "coder-linux-amd64");
  await writeFile(path, content);
  const binaries: BinarySource = {
    get: async (name) =>
      name === "coder-linux-amd64"
        ? { path, etag: "abc", sizeBytes: content.length }
        : { notFound: "Install the npm package." },
    warm() {},
    async close() {},
  };
  server = await testServer({ binaries });
});
afterAll(async () => {
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

const bin = (name: string, init?: RequestInit) => fetch(`${server.url}/bin/${name}`, init);

test("an executable is served to whoever asks, and not again to who has it", async () => {
  const whole = await bin("coder-linux-amd64");
  expect(await whole.text()).toBe(content);
  expect(whole.headers.get("etag")).toBe('"abc"');
  const known = await bin("coder-linux-amd64", { headers: { "If-None-Match": '"abc"' } });
  expect(known.status).toBe(304);
});

test("who asks for its head learns its size", async () => {
  const head = await bin("coder-linux-amd64", { method: "HEAD" });
  expect(head.status).toBe(200);
  expect(head.headers.get("content-length")).toBe(String(content.length));
});

test("a platform without one is told what to do instead", async () => {
  const missing = await bin("coder-darwin-arm64");
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ detail: "Install the npm package." });
});
