import { workspaces } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { packTemplate } from "../harness/template.ts";
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

/** Its one resource asks the machine what Terraform cannot know: so an apply of the real program made it. */
const template = {
  "main.tf": `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
resource "terraform_data" "thing" {
  count = data.coder_workspace.me.start_count
  provisioner "local-exec" {
    command = "echo made by process $PPID"
  }
}
`,
};

let server: CoderServer;
beforeAll(async () => {
  // As it is without a word about anything else, too.
  server = await startCoderServer({ postgres: "embedded" });
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
      input: await packTemplate(template),
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
