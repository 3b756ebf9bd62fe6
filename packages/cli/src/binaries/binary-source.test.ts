import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { agentInitScript } from "@slipway/template";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { version } from "../build-info.ts";
import type { BinaryFile } from "./binary-file.ts";
import { type BinarySource, createBinarySource } from "./binary-source.ts";

// Making an executable takes ten seconds of a processor, which here may be shared by many.
vi.setConfig({ testTimeout: 300_000 });

const run = promisify(execFile);
const log = pino({ level: "silent" });
/** The platform that this machine can run. */
const arch = process.arch === "arm64" ? "arm64" : "amd64";
const name = `coder-linux-${arch}`;

/** That of the end-to-end tests: what is made for one is there for the other. */
const sharedCache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "slipway/binaries");

let base: string;
let source: BinarySource;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "slipway-binaries-"));
  source = createBinarySource({ cacheDir: sharedCache, log, accessUrl: "https://coder.example.com" });
});

afterAll(async () => {
  await source.close();
  await rm(base, { recursive: true, force: true });
});

async function file(wanted: string): Promise<BinaryFile> {
  const result = await source.get(wanted);
  if ("notFound" in result) throw new Error(result.notFound);
  return result;
}

describe("the executable for workspaces", () => {
  test("is the program, and ignores options meant for other Node programs", async () => {
    const { path } = await file(name);
    const { stdout } = await run(path, ["--version"], { env: { NODE_OPTIONS: "--require /nonexistent.js" } });

    expect(stdout.split("\n")[0]).toBe(`Coder ${version}`);
  });

  test("has the commands", async () => {
    const { path } = await file(name);
    const { stdout } = await run(path, ["version", "-o", "json"], { env: { HOME: base } });

    expect(JSON.parse(stdout)).toMatchObject({ version });
  });

  test("has the starter templates", async () => {
    const { path } = await file(name);
    const target = join(base, "started");
    await run(path, ["templates", "init", target, "--id", "local"], { env: { HOME: base } });

    expect(await readFile(join(target, "main.tf"), "utf8")).toContain("coder_agent");
  });

  test("has the agent", async () => {
    const { path } = await file(name);
    const agent = run(path, ["agent", "--agent-url", "http://127.0.0.1:1"], { env: { HOME: base } });

    await expect(agent).rejects.toMatchObject({ stderr: expect.stringContaining("The agent has no token.") });
  });

  test("has no server, and says where that is to be had", async () => {
    const { path } = await file(name);
    const server = run(path, ["server"], { env: { HOME: base } });

    await expect(server).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Run the server from Slipway's container image"),
    });
  });

  test("comes with its digest, and compressed", async () => {
    const { path, gzipPath = "", zstdPath = "", etag, sizeBytes } = await file(name);
    const body = await readFile(path);
    const sha256 = createHash("sha256").update(body).digest("hex");

    expect(etag).toBe(sha256);
    expect(sizeBytes).toBe(body.length);
    expect(gunzipSync(await readFile(gzipPath)).equals(body)).toBe(true);
    expect(zstdDecompressSync(await readFile(zstdPath)).equals(body)).toBe(true);
    const checksum = await file(`${name}.sha256`);
    expect(await readFile(checksum.path, "utf8")).toBe(`${sha256}  ${name}\n`);
    expect(checksum.etag).not.toBe(etag);
  });

  test("is made once for all who ask, and found by the next server", async () => {
    const [first, second] = await Promise.all([file(name), file(name)]);
    expect(first).toEqual(second);

    const info = vi.fn();
    const next = createBinarySource({ cacheDir: sharedCache, log: { info, warn: info } });
    expect(await next.get(name)).toEqual(first);
    // It would say so if it had made or looked for anything.
    expect(info).not.toHaveBeenCalled();
    await next.close();
  });

  test("is made again when the cache was emptied", async () => {
    const own = createBinarySource({ cacheDir: base, log });
    const before = await own.get("coder-cli.tgz");
    await rm(join(base, "coder-cli.tgz"), { recursive: true });

    const again = await own.get("coder-cli.tgz");
    await own.close();
    expect(again).toEqual(before);
    if ("notFound" in again) throw new Error(again.notFound);
    expect(await readFile(again.path)).toHaveLength(again.sizeBytes);
  });

  test("is not waited for by a request that has gone", async () => {
    const waiting = createBinarySource({ cacheDir: join(base, "other"), log });
    const gone = new AbortController();
    const request = waiting.get(name, gone.signal);
    gone.abort(new Error("the client went away"));

    await expect(request).rejects.toThrow("the client went away");
    await waiting.close();
    await expect(waiting.get("coder-cli.tgz")).rejects.toThrow("The server is stopping.");
  });
});

describe("an image with nothing but busybox", () => {
  test("runs the executable through the init script, under the server's libraries", async () => {
    const server = createServer((request, response) => {
      source.get((request.url ?? "").slice("/bin/".length)).then(
        async (found) => {
          if ("notFound" in found) response.writeHead(404).end(found.notFound);
          else response.end(await readFile(found.path));
        },
        (error: Error) => response.writeHead(500).end(error.message),
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo; // a TCP server's address has a port
    // In place of the agent, which would stay: what shows that every native part works
    const script = agentInitScript("linux", arch)
      .replaceAll(`\${ACCESS_URL}`, `http://127.0.0.1:${port}/`)
      .replaceAll(`\${AUTH_TYPE}`, "token")
      .replace('exec "$dir/coder" agent', 'exec "$dir/coder" version -o json');
    const root = [
      "--unshare-user-try",
      "--unshare-pid",
      "--tmpfs",
      "/tmp",
      "--proc",
      "/proc",
      "--dev",
      "/dev",
    ];
    const busybox = ["--ro-bind", "/usr/bin/busybox", "/bin/busybox", "--symlink", "busybox", "/bin/sh"];
    const environment = ["--clearenv", "--setenv", "PATH", "/bin", "--setenv", "HOME", "/tmp"];
    const { stdout } = await run("bwrap", [...root, ...busybox, ...environment, "/bin/sh", "-c", script], {
      timeout: 60_000,
    });
    server.close();

    expect(JSON.parse(stdout)).toMatchObject({ version });
  });
});

describe("what an executable is made of", () => {
  test("works: the HCL parser, the terminal's native module, SSH, text beyond ASCII", async () => {
    const build = join(import.meta.dirname, "build-binary.ts");
    const main = "packages/cli/src/binaries/testdata/native-parts.ts";
    const built = await run(process.execPath, [build, name, sharedCache, main]);
    const { path } = JSON.parse(built.stdout);
    const { stdout } = await run(path, [], { env: { TMPDIR: base }, timeout: 60_000 });

    expect(JSON.parse(stdout)).toEqual({
      variables: [expect.objectContaining({ name: "region", defaultValue: "eu" })],
      pty: expect.arrayContaining(["fork", "resize"]),
      key: expect.stringContaining("ssh-ed25519 "),
      isUnicode: true,
    });
  });
});

describe("the command line as an npm package", () => {
  test("installs and runs", async () => {
    const { path } = await file("coder-cli.tgz");
    const prefix = join(base, "prefix");
    await run("npm", ["install", "--global", "--offline", "--prefix", prefix, path]);
    await chmod(join(prefix, "bin/coder"), 0o755);
    const env = { HOME: base, PATH: `${join(process.execPath, "..")}:/usr/bin:/bin` };
    const { stdout } = await run(join(prefix, "bin/coder"), ["--version"], { env });

    expect(stdout.split("\n")[0]).toBe(`Coder ${version}`);
    const target = join(base, "from-package");
    await run(join(prefix, "bin/coder"), ["templates", "init", target, "--id", "docker"], { env });
    expect(await readFile(join(target, "main.tf"), "utf8")).toContain("kreuzwerker/docker");
  });

  test.each(["coder-darwin-arm64", "coder-windows-amd64.exe"])(
    "is what %s is answered with",
    async (wanted) => {
      expect(await source.get(wanted)).toEqual({
        notFound: expect.stringContaining("npm install -g https://coder.example.com/bin/coder-cli.tgz"),
      });
    },
  );

  test.each(["coder-linux-riscv64", "../secret", ""])(
    "is one of the names that %j is answered with",
    async (wanted) => {
      expect(await source.get(wanted)).toEqual({ notFound: expect.stringContaining(name) });
    },
  );
});
