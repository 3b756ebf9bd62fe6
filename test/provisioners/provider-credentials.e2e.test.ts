import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finished } from "../harness/coder-process.ts";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { startExternalDaemon } from "../harness/external-daemon.ts";

// What docs/provider-authentication.md promises: credentials are the provisioner's alone.

const cloudSecret = "of-the-cloud-5f1e";
const otherSecret = "of-something-else-77ab";

let server: CoderServer;
let root: string;

beforeAll(async () => {
  server = await startCoderServer({ postgres: "embedded", env: { CODER_PROVISIONER_DAEMONS: "0" } });
  root = await mkdtemp(join(tmpdir(), "slipway-credentials-"));
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true, force: true });
});

async function coder(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await server.coder(args);
  expect(code, `coder ${args.join(" ")}\n${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

/** Builds a workspace on a daemon with credentials in its environment; returns the environment of Terraform. */
async function environmentOfBuild(name: string, args: readonly string[] = []) {
  const key = (await coder("provisioner", "keys", "create", name)).trim();
  const env = { CODER_PROVISIONER_DAEMON_KEY: key, CLOUD_SECRET: cloudSecret, OTHER_SECRET: otherSecret };
  const daemon = await startExternalDaemon({ url: server.url, name, env, args });
  await daemon.connected();
  const file = join(root, `${name}.env`);
  const processes = join(root, `${name}.processes`);
  const directory = join(root, name);
  await mkdir(directory);
  await writeFile(
    join(directory, "main.tf"),
    `
resource "terraform_data" "machine" {
  provisioner "local-exec" {
    command = "env > ${file}; cat /proc/${daemon.child.pid}/environ /proc/${daemon.child.pid}/cmdline > ${processes}"
  }
}
`,
  );
  await coder("templates", "push", name, "--directory", directory, "--yes");
  await coder("create", name, "--template", name, "--yes");
  const state = await coder("state", "pull", name);
  const log = await coder("logs", name);
  await coder("delete", name, "--yes");
  expect(await daemon.exit("SIGTERM")).toBe(0);
  return {
    environment: await readFile(file, "utf8"),
    // What a template reads of the daemon's own process.
    process: await readFile(processes, "utf8"),
    key,
    state,
    log,
    daemonLog: daemon.log(),
  };
}

test("Terraform gets the daemon's credentials and none of ours; the server gets nothing of them", async () => {
  const { environment, process, key, state, log, daemonLog } = await environmentOfBuild("plain");
  expect(environment).toContain(`CLOUD_SECRET=${cloudSecret}\n`);
  expect(environment).toContain(`OTHER_SECRET=${otherSecret}\n`);
  expect(environment).not.toContain(key);
  expect(environment).not.toMatch(/^CODER_(PROVISIONER|SESSION|URL|CONFIG)/m);
  expect(process).toContain(`CLOUD_SECRET=${cloudSecret}\0`);
  expect(process).toContain("provisioner\0start\0");
  expect(process).not.toContain(key);

  const seenByServer = [server.log(), state, log].join("\n");
  for (const secret of [cloudSecret, otherSecret, key]) {
    expect(seenByServer).not.toContain(secret);
    expect(daemonLog).not.toContain(secret);
  }
  const database = await realpath(join(server.configDir, "postgres"));
  const found = await finished(
    execFile("grep", ["--recursive", "--text", "--files-with-matches", cloudSecret, database]),
  );
  expect(found).toMatchObject({ code: 1, stdout: "" });
});

test("--terraform-env names all that may pass", async () => {
  const { environment, process } = await environmentOfBuild("narrow", ["--terraform-env", "CLOUD_SECRET"]);
  expect(environment).toContain(`CLOUD_SECRET=${cloudSecret}\n`);
  expect(environment).toMatch(/^PATH=/m);
  expect(environment).not.toContain("OTHER_SECRET");
  expect(process).toContain(`CLOUD_SECRET=${cloudSecret}\0`);
  expect(process).not.toContain(otherSecret);
});
