import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCoder } from "../testing/run-coder.ts";
import { hostOf } from "./gitaskpass.ts";

let dir: string;
let server: Server;
let answer: { status: number; body: object };
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "gitssh-test-"));
  mkdirSync(join(dir, "bin"));
  mkdirSync(join(dir, "tmp"));
  // In place of ssh: says what it was given, and what the key file holds.
  const ssh = `#!/bin/sh
if [ "$1" = -G ]; then echo "identityfile ${dir}/own"; echo "identityfile ${dir}/absent"; exit 0; fi
echo "$@"; stat -c '%a' "$2"; cat "$2"; exit "\${EXIT_WITH:-0}"
`;
  writeFileSync(join(dir, "bin/ssh"), ssh, { mode: 0o755 });
  writeFileSync(join(dir, "own"), "");
  answer = { status: 200, body: { public_key: "ssh-ed25519 AAAA\n", private_key: "the private key\n" } };
  server = createServer((request, response) => {
    const allowed = request.headers["coder-session-token"] === "agent-token";
    const isKey = request.url === "/api/v2/workspaceagents/me/gitsshkey";
    response.writeHead(allowed && isKey ? answer.status : 401, { "Content-Type": "application/json" });
    response.end(JSON.stringify(answer.body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.close();
  rmSync(dir, { recursive: true, force: true });
});
const gitssh = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  runCoder(["gitssh", "--", ...args], {
    PATH: `${join(dir, "bin")}:${process.env.PATH}`,
    TMPDIR: join(dir, "tmp"),
    CODER_AGENT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    CODER_AGENT_TOKEN: "agent-token",
    ...env,
  });

test("ssh gets the owner's key in a private file, then the user's own, and git's arguments as they are", async () => {
  const ran = await gitssh(["-o", "SendEnv=GIT_PROTOCOL", "git@example.com", "git-upload-pack 'a b.git'"]);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  const [args = "", mode, ...key] = ran.stdout.split("\n");
  expect(args).toMatch(
    new RegExp(
      `^-i (\\S+coder.key) -i ${dir}/own -o SendEnv=GIT_PROTOCOL git@example.com git-upload-pack 'a b.git'$`,
    ),
  );
  expect(mode).toBe("600");
  expect(key.join("\n")).toBe("the private key\n");
  // Nothing stays behind.
  expect(readdirSync(join(dir, "tmp")).filter((name) => name.includes("gitssh"))).toEqual([]);
});

test("a refused key names the public one, and the status is ssh's", async () => {
  const ran = await gitssh(["git@example.com"], { EXIT_WITH: "255" });
  expect(ran.code).toBe(255);
  expect(ran.stderr).toContain("ssh-ed25519 AAAA");
});

test("without a key from the server ssh runs alone", async () => {
  answer = { status: 404, body: { message: "No key." } };
  const ran = await gitssh([join(dir, "own"), join(dir, "own")]);
  expect(ran.stdout.split("\n")[0]).toBe(`${join(dir, "own")} ${join(dir, "own")}`);
  expect(ran.stderr).toContain("goes on without it");
});

test("the askpass program names the host and lets git go on", async () => {
  const ran = await runCoder(["gitaskpass", "Password for 'https://ada@git.example.com': "], {});
  expect(ran).toMatchObject({ code: 1, stdout: "" });
  expect(ran.stderr).toContain("git.example.com");
  expect(hostOf("Username for 'https://example.com:8443/x': ")).toBe("example.com:8443");
});
