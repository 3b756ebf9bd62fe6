import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { create } from "@bufbuild/protobuf";
import { Job_TemplateDryRunSchema } from "@slipway/proto/provisionerd";
import { createTerraformEngine } from "@slipway/provisionerd";
import { afterEach, expect, test, vi } from "vitest";
import { createFetch } from "../../http-fetch.ts";
import { startConnectProxy } from "../../testing/connect-proxy.ts";

const releases = "releases.hashicorp.com";
const cleanUps: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** The server of releases as a proxy reaches it, with a certificate that only SSL_CERT_FILE vouches for. */
async function startReleases(dir: string) {
  const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${releases}`;
  const extension = `subjectAltName=DNS:${releases},DNS:localhost`;
  await promisify(execFile)("openssl", [
    ...words.split(" "),
    ...["-addext", extension, "-keyout", key, "-out", cert],
  ]);
  const asked: string[] = [];
  const server = createServer(
    { cert: await readFile(cert), key: await readFile(key) },
    (request, response) => {
      asked.push(request.url ?? "");
      response.end("not Terraform");
    },
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  // A TCP server's address has a port.
  return { cert, asked, port: (server.address() as AddressInfo).port };
}

async function startProxy(port: number) {
  const proxy = await startConnectProxy(port);
  cleanUps.push(proxy.close);
  return proxy;
}

/** What a host without Terraform says to its first job. */
async function firstJob(cacheDir: string): Promise<unknown> {
  const log = { info() {}, warn() {} };
  const env = { PATH: cacheDir };
  const engine = createTerraformEngine({ cacheDir, log, env, fetch: createFetch(process.env) });
  cleanUps.push(() => engine.close());
  const dryRun = create(Job_TemplateDryRunSchema);
  // Terraform is found before anything is done with the run.
  return engine.dryRun(dryRun, {} as Parameters<typeof engine.dryRun>[1]).catch((error: unknown) => error);
}

test("Terraform is downloaded through the proxy of HTTPS_PROXY, and around it where NO_PROXY says so", async () => {
  const dir = await mkdtemp(join(tmpdir(), "slipway-proxied-"));
  cleanUps.push(() => rm(dir, { recursive: true, force: true }));
  const server = await startReleases(dir);
  const proxy = await startProxy(server.port);
  vi.stubEnv("HTTPS_PROXY", proxy.url);
  vi.stubEnv("SSL_CERT_FILE", server.cert);
  vi.stubEnv("NO_PROXY", "");

  expect(String(await firstJob(dir))).toMatch(/has the checksum .* nothing of it was kept/);
  expect(proxy.asked).toEqual([`${releases}:443`]);
  expect(server.asked).toEqual([expect.stringMatching(/^\/terraform\/.*\.zip$/)]);

  vi.stubEnv("NO_PROXY", "localhost");
  const around = await createFetch(process.env)(`https://localhost:${server.port}/around`);
  expect(await around.text()).toBe("not Terraform");
  expect(proxy.asked).toHaveLength(1);
});
