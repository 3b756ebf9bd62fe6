import { files, jobs, templates, templateVersions, workspaces } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { createLedger, type Ledger, ledgerTemplate } from "../harness/ledger.ts";
import { expectRefusal, rawRequest } from "../harness/raw-request.ts";
import { importLog, importVersion, packTemplate, pushTemplate } from "../harness/template.ts";
import { build, createWorkspace, waitForBuild } from "../harness/workspaces.ts";

const header = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
`;
const agent = 'resource "coder_agent" "main" {\n  os   = "linux"\n  arch = "amd64"\n}\n';

const parameters = `${header}${agent}
data "coder_parameter" "cpus" {
  name    = "cpus"
  type    = "number"
  default = "2"
  mutable = true
  validation {
    min = 1
    max = 8
  }
}
data "coder_parameter" "region" {
  name    = "region"
  type    = "string"
  default = "eu"
  option {
    name  = "Europe"
    value = "eu"
  }
  option {
    name  = "America"
    value = "us"
  }
}
data "coder_parameter" "project" {
  name = "project"
  type = "string"
}
data "coder_parameter" "branch" {
  name    = "branch"
  type    = "string"
  default = "main"
  mutable = true
  validation {
    regex = "^[a-z]+$"
    error = "Lower case letters only."
  }
}
`;

let server: CoderServer;

beforeAll(async () => {
  server = await startCoderServer();
});

afterAll(() => server.close());

describe("templates", () => {
  async function expectFailedImport(files: Record<string, string>): Promise<string> {
    const before = await server.owner.call(templates.getTemplates);
    const { id, job } = await importVersion(server.owner, files);
    expect(job.status).toBe("failed");
    // A version whose import failed makes no template.
    const refused = await rawRequest(server.url, "/api/v2/organizations/default/templates", {
      token: server.ownerToken,
      body: { name: "broken", template_version_id: id },
    });
    expectRefusal(refused, 400);
    expect(await server.owner.call(templates.getTemplates)).toEqual(before);
    expect(await importLog(server.owner, id)).toContain(job.error);
    return job.error ?? "";
  }

  test("a syntax error is told with file and line before anything is queued", async () => {
    const { owner } = server;
    const before = await owner.call(jobs.getJobs, { params: { organization: "default" } });
    const data = await packTemplate({
      "main.tf": `${header}${agent}`,
      "disk.tf": 'resource "terraform_data" "x" {}\n\nresource "oops {\n',
    });
    const { hash } = await owner.call(files.uploadFile, {
      upload: { contentType: "application/x-tar", data },
    });
    const refusal = expectRefusal(
      await rawRequest(server.url, "/api/v2/organizations/default/templateversions", {
        token: server.ownerToken,
        body: { storage_method: "file", file_id: hash, provisioner: "terraform", name: "broken", tags: {} },
      }),
      400,
    );
    expect(JSON.stringify(refusal)).toContain("disk.tf:3");
    expect(await owner.call(jobs.getJobs, { params: { organization: "default" } })).toEqual(before);
  });

  test("a mistake that only Terraform finds is told with file and line", async () => {
    const files = {
      "main.tf": `${header}${agent}`,
      "disk.tf": 'resource "terraform_data" "x" {\n  input = local.missing\n}\n',
    };
    expect(await expectFailedImport(files)).toContain("(disk.tf, line 2)");
  });

  test("an override that would take the state away is named", async () => {
    const files = {
      "main.tf": `${header}${agent}`,
      "zzz_override.tf": 'terraform {\n  backend "local" {\n    path = "/tmp/elsewhere.tfstate"\n  }\n}\n',
    };
    expect(await expectFailedImport(files)).toContain("zzz_override.tf");
  });

  test("an unknown provider is named, with the ways to get it", async () => {
    const files = {
      "main.tf":
        'terraform {\n  required_providers {\n    nope = { source = "example/nope" }\n  }\n}\nresource "nope_thing" "x" {}\n',
    };
    expect(await expectFailedImport(files)).toContain("example/nope");
  });

  test("a default that breaks its own validation is named", async () => {
    const files = { "main.tf": parameters.replace('default = "2"', 'default = "9"') };
    const error = await expectFailedImport(files);
    expect(error).toMatch(
      /data\.coder_parameter\.\w+: .*default value .* 9 is more than the maximum 8 \(main\.tf, line \d+\)/,
    );
  });

  test("a variable without a value is named", async () => {
    expect(await expectFailedImport({ "main.tf": `variable "zone" {}\n${header}${agent}` })).toContain(
      "zone",
    );
  });

  test("one without an agent is imported with a warning", async () => {
    const version = await importVersion(server.owner, { "main.tf": 'resource "terraform_data" "x" {}\n' });
    expect(version).toMatchObject({
      job: { status: "succeeded" },
      warnings: [expect.stringContaining("no agent")],
    });
  });

  test("the command line shows where it is wrong and makes nothing", async () => {
    const { code, stderr } = await server.coder([
      "templates",
      "push",
      "broken",
      "--directory",
      "/nonexistent",
      "--yes",
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain("/nonexistent");
  });
});

describe("parameters of a build", () => {
  let templateId: string;
  let workspaceId: string;

  beforeAll(async () => {
    templateId = (await pushTemplate(server.owner, "parameters", { "main.tf": parameters })).id;
    workspaceId = (
      await createWorkspace(server.owner, templateId, "choosy", [{ name: "project", value: "atlas" }])
    ).id;
  });

  const values = (given: Record<string, string>) =>
    Object.entries(given).map(([name, value]) => ({ name, value }));

  async function expectRefused(given: Record<string, string>, message: RegExp, field: string) {
    const { owner } = server;
    const before = await owner.call(workspaces.getWorkspace, { params: { workspace: workspaceId } });
    const refusal = expectRefusal(
      await rawRequest(server.url, `/api/v2/workspaces/${workspaceId}/builds`, {
        token: server.ownerToken,
        body: { transition: "start", rich_parameter_values: values(given) },
      }),
      400,
    );
    expect(refusal.validations).toEqual([{ field, detail: expect.stringMatching(message) }]);
    const after = await owner.call(workspaces.getWorkspace, { params: { workspace: workspaceId } });
    expect(after.latest_build).toEqual(before.latest_build);
  }

  test("out of range", async () => {
    await expectRefused({ cpus: "9" }, /maximum of 8/, "cpus");
    await expectRefused({ cpus: "0" }, /minimum of 1/, "cpus");
  });

  test("of another type", () => expectRefused({ cpus: "many" }, /is not a number/, "cpus"));

  test("immutable and changed", () => expectRefused({ region: "us" }, /not mutable/, "region"));

  test("unknown", () => expectRefused({ colour: "red" }, /no parameter "colour"/, "colour"));

  async function expectNotCreated(given: Record<string, string>, message: RegExp, field: string) {
    const { owner } = server;
    const before = await owner.call(workspaces.getWorkspaces);
    const refusal = expectRefusal(
      await rawRequest(server.url, "/api/v2/users/me/workspaces", {
        token: server.ownerToken,
        body: { name: "never", template_id: templateId, rich_parameter_values: values(given) },
      }),
      400,
    );
    expect(refusal.validations).toEqual([{ field, detail: expect.stringMatching(message) }]);
    expect((await owner.call(workspaces.getWorkspaces)).count).toBe(before.count);
  }

  test("missing", () => expectNotCreated({}, /required/, "project"));

  test("none of the options", () =>
    expectNotCreated({ project: "a", region: "mars" }, /valid option/, "region"));

  test("against the pattern, in the author's own words", () =>
    expectNotCreated({ project: "a", branch: "MAIN" }, /Lower case letters only\./, "branch"));

  test("the command line without a terminal names the flag", async () => {
    const { code, stderr } = await server.coder(["create", "never", "--template", "parameters", "--yes"]);
    expect(code).toBe(1);
    expect(stderr).toContain("project");
    expect(stderr).toContain("--parameter");
  });
});

describe("a build while another is running", () => {
  let ledger: Ledger;

  beforeAll(async () => {
    ledger = await createLedger();
  });

  afterAll(() => ledger.remove());

  test("is refused, and the running one goes on", async () => {
    const { owner } = server;
    const { id: templateId } = await pushTemplate(owner, "ledger", ledgerTemplate);
    const workspace = await owner.call(workspaces.createWorkspace, {
      params: { user: "me" },
      body: { name: "busy", template_id: templateId, rich_parameter_values: ledger.parameters },
    });
    await ledger.reachGate();
    for (const transition of ["start", "stop", "delete"]) {
      const answer = await rawRequest(server.url, `/api/v2/workspaces/${workspace.id}/builds`, {
        token: server.ownerToken,
        body: { transition },
      });
      expect(expectRefusal(answer, 409).message).toMatch(/build/i);
    }
    const version = await owner.call(templateVersions.getTemplateVersion, {
      params: { templateversion: workspace.latest_build.template_version_id },
    });
    expect(version.job.status).toBe("succeeded");
    await ledger.openGate();
    expect(await waitForBuild(owner, workspace.latest_build.id)).toMatchObject({
      build_number: 1,
      job: { status: "succeeded" },
    });
    await build(owner, workspace.id, "stop");
    expect(await ledger.lines()).toEqual(["create one", "begin two", "create two", "create three"]);
    await build(owner, workspace.id, "delete");
  });
});
