import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { builds, workspaces } from "@slipway/api";
import { expect, test } from "vitest";
import { sharedCacheDir, startCoderServer } from "../harness/coder-server.ts";
import { startExternalDaemon } from "../harness/external-daemon.ts";
import { packTemplate, pushTemplate } from "../harness/template.ts";

const coderProvider = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
`;

/** Asks for a parameter whose default follows from what its caller gives. */
const machine = `${coderProvider}
variable "region" {}
data "coder_parameter" "disk" {
  name    = "disk"
  default = "\${var.region}-disk"
}
resource "terraform_data" "machine" {
  input = "\${data.coder_parameter.disk.value} from Git"
}
`;

const template = (modulesUrl: string) => `${coderProvider}
data "coder_parameter" "region" {
  name    = "region"
  default = "eu"
}
module "machine" {
  source = "git::${modulesUrl}/infrastructure.git//machine"
  region = data.coder_parameter.region.value
}
module "volume" {
  source = "${modulesUrl}/volume.tar.gz"
}
`;

/** Modules as the internet has them: a Git repository over HTTP, and an archive. */
async function startModuleServer() {
  const root = await mkdtemp(join(tmpdir(), "slipway-module-server-"));
  const git = (cwd: string, ...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...args], {
      cwd,
      stdio: ["ignore", "ignore", "pipe"],
    });
  const source = join(root, "source");
  await mkdir(join(source, "machine"), { recursive: true });
  await writeFile(join(source, "machine", "main.tf"), machine);
  git(source, "init", "--quiet");
  git(source, "add", ".");
  git(source, "commit", "--quiet", "-m", "Add a machine");
  git(root, "clone", "--quiet", "--bare", source, "infrastructure.git");
  git(join(root, "infrastructure.git"), "update-server-info");
  const volume = await packTemplate({
    "main.tf": 'resource "terraform_data" "volume" { input = "archived" }\n',
  });
  await writeFile(join(root, "volume.tar.gz"), gzipSync(volume));

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "", "http://modules").pathname;
    readFile(join(root, path)).then(
      (data) => response.end(request.method === "HEAD" ? undefined : data),
      () => response.writeHead(404).end(),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // It listens on an address of the machine.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
      await rm(root, { recursive: true, force: true });
    },
  };
}

test("modules that an import fetched are at hand for hosts that cannot fetch them", async () => {
  await using cleanup = new AsyncDisposableStack();
  const modules = await startModuleServer();
  cleanup.defer(modules.close);
  const caches = await mkdtemp(join(tmpdir(), "slipway-module-caches-"));
  cleanup.defer(() => rm(caches, { recursive: true, force: true }));
  const server = await startCoderServer({ env: { CODER_PROVISIONER_DAEMONS: "0" } });
  let stopDaemon = async () => {};
  cleanup.defer(async () => {
    // It needs a daemon to delete what a failed test left.
    await server.close();
    await stopDaemon();
  });
  const start = async (name: string) => {
    const env = { CODER_SESSION_TOKEN: server.ownerToken, CODER_CACHE_DIRECTORY: join(caches, name) };
    const args = ["--terraform-mirror", join(sharedCacheDir, "provisioner/mirror")];
    const daemon = await startExternalDaemon({ url: server.url, name, args, env });
    stopDaemon = async () => void (await daemon.exit("SIGTERM"));
    await daemon.connected();
  };
  const coder = async (...args: string[]) => {
    const { code, stdout, stderr } = await server.coder(args);
    expect(code, `coder ${args.join(" ")}\n${stdout}\n${stderr}`).toBe(0);
    return stdout;
  };

  await start("importer");
  await pushTemplate(server.owner, "modular", { "main.tf": template(modules.url) });
  await stopDaemon();
  await modules.close();

  await start("islander");
  await coder("create", "dev", "--template", "modular", "--parameter", "region=us", "--yes");
  const { latest_build: build } = await server.owner.call(workspaces.getWorkspaceByName, {
    params: { user: "me", workspacename: "dev" },
  });
  // The server evaluates what is in such modules, too: the import had seen another default.
  expect(
    await server.owner.call(builds.getBuildParameters, { params: { workspacebuild: build.id } }),
  ).toEqual(expect.arrayContaining([{ name: "disk", value: "us-disk" }]));
  const state = await coder("state", "pull", "dev");
  expect(state).toContain("us-disk from Git");
  expect(state).toContain("archived");
  // Now from the daemon's own cache.
  await coder("stop", "dev", "--yes");
  await coder("delete", "dev", "--yes");
});
