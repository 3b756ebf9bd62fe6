import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workspaces } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CoderServer, newEncryptionKey, startCoderServer } from "../harness/coder-server.ts";
import { packTemplate, thingTemplate } from "../harness/template.ts";
import { stateOf } from "../harness/workspaces.ts";

type Daemon = { id: string; name: string; key_name: string; status: string; tags: Record<string, string> };
type Job = {
  type: string;
  status: string;
  worker_id: string;
  worker_name: string;
  tags: Record<string, string>;
};

/** The tags of what serves an organization, and is no one user's. */
const organizationScope = { owner: "", scope: "organization" };

const secrets = {
  CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: newEncryptionKey(),
  CODER_PROVISIONER_DAEMON_PSK: "shared-before-5d2c",
};

let server: CoderServer;
beforeAll(async () => {
  server = await startCoderServer({ postgres: "embedded", env: secrets });
});
afterAll(() => server.close());

const coder = (...args: string[]) => server.coder(args);
async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await coder(...args, "-o", "json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

describe("coder server without a word about provisioners (P1)", () => {
  let daemons: Daemon[];

  test("runs three built-in daemons, each of the organization's scope", async () => {
    daemons = await json<Daemon[]>("provisioner", "list");
    expect(daemons).toHaveLength(3);
    for (const daemon of daemons) {
      expect(daemon).toMatchObject({ key_name: "built-in", status: "idle", tags: organizationScope });
    }
    expect(new Set(daemons.map(({ name }) => name)).size).toBe(3);
  });

  test("executes Terraform in them, for imports and for builds", async () => {
    const pushed = await server.coder(["templates", "push", "plain", "-d", "-", "-y"], {
      input: await packTemplate(thingTemplate),
    });
    expect(pushed.code, pushed.stderr).toBe(0);
    const created = await coder("create", "dev", "-t", "plain", "-y");
    expect(created.code, created.stderr).toBe(0);
    expect((await coder("logs", "dev")).stdout).toMatch(/made by process \d+/);
    const dev = await server.owner.call(workspaces.getWorkspaceByName, {
      params: { user: "me", workspacename: "dev" },
    });
    expect(await stateOf(server.owner, dev.latest_build.id)).toEqual(["terraform_data.thing"]);

    const jobs = await json<Job[]>("provisioner", "jobs", "list");
    expect(jobs.map(({ type }) => type).sort()).toEqual(["template_version_import", "workspace_build"]);
    for (const job of jobs) {
      expect(job).toMatchObject({ status: "succeeded", tags: organizationScope });
      expect(daemons).toContainEqual(expect.objectContaining({ id: job.worker_id, name: job.worker_name }));
    }
    // What goes well leaves nothing in the log for its operator to worry about.
    expect(server.log()).not.toMatch(/\[(WARN|ERROR)\s*\]/);
  });
});

test("templates cannot read the server's secrets in its process (P20)", async () => {
  const dir = await mkdtemp(join(tmpdir(), "slipway-secrets-"));
  const seen = join(dir, "seen");
  // All that the kernel shows of all processes that run for the server, and of itself.
  const command = `for file in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do cat $file; echo; done > ${seen} 2>/dev/null; true`;
  const pushed = await server.coder(["templates", "push", "curious", "-d", "-", "-y"], {
    input: await packTemplate({
      "main.tf": `
resource "terraform_data" "thing" {
  provisioner "local-exec" {
    command = "${command}"
  }
}
`,
    }),
  });
  expect(pushed.code, pushed.stderr).toBe(0);
  const created = await coder("create", "curious", "-t", "curious", "-y");
  expect(created.code, created.stderr).toBe(0);
  const text = await readFile(seen, "latin1");
  await rm(dir, { recursive: true });
  // It did look into the server: this one is meant for templates.
  expect(text).toContain("CODER_ALLOW_LOCAL_TEMPLATE=true\0");
  for (const secret of Object.values(secrets)) expect(text).not.toContain(secret);
});
