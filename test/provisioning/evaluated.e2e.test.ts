// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are Terraform code.

import { stripVTControlCharacters } from "node:util";
import { spawn } from "@lydell/node-pty";
import { builds, type Client, type jobs, templates, workspaces } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { cleanEnvironment, coderCommand } from "../harness/coder-process.ts";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { type ExternalDaemon, startExternalDaemon } from "../harness/external-daemon.ts";
import { packTemplate } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";

const requiresCoder = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}`;

/** Its parameters, and the tags that decide which daemon builds it, follow from a variable, the owner and the choices. */
const placed = `${requiresCoder}
variable "prefix" {
  type = string
}
data "coder_workspace_owner" "me" {}
locals {
  gpus = { us = ["a100", "h100"] }
  zone = "\${var.prefix}-\${data.coder_parameter.region.value}"
}
data "coder_parameter" "region" {
  name    = "region"
  default = "eu"
  order   = 1
  dynamic "option" {
    for_each = toset(["eu", "us"])
    content {
      name  = upper(option.value)
      value = option.value
    }
  }
}
data "coder_parameter" "gpu" {
  count   = contains(keys(local.gpus), data.coder_parameter.region.value) ? 1 : 0
  name    = "gpu"
  default = local.gpus[data.coder_parameter.region.value][0]
  mutable = true
  order   = 2
  dynamic "option" {
    for_each = local.gpus[data.coder_parameter.region.value]
    content {
      name  = option.value
      value = option.value
    }
  }
}
data "coder_workspace_tags" "where" {
  tags = {
    zone = local.zone
    team = contains(data.coder_workspace_owner.me.groups, "Everyone") ? "all" : "none"
  }
}
resource "terraform_data" "made" {
  input = join(" ", concat([local.zone, data.coder_workspace_owner.me.name], data.coder_parameter.gpu[*].value))
}
`;

let server: CoderServer;
let client: Client;
const started: ExternalDaemon[] = [];

beforeAll(async () => {
  server = await startCoderServer({ env: { CODER_PROVISIONER_DAEMONS: "0" } });
  client = server.owner;
  for (const zone of ["z-eu", "z-us"]) {
    const daemon = await startExternalDaemon({
      url: server.url,
      name: zone,
      args: ["--tag", `zone=${zone}`, "--tag", "team=all"],
      env: { CODER_SESSION_TOKEN: server.ownerToken },
    });
    started.push(daemon);
  }
  await Promise.all(started.map((daemon) => daemon.connected()));
  const push = await server.coder(
    ["templates", "push", "placed", "-d", "-", "-y", "--variable", "prefix=z"],
    { input: await packTemplate({ "main.tf": placed }) },
  );
  expect(push.code, push.stderr).toBe(0);
});
afterAll(async () => {
  // They delete what the tests have made.
  await server.close();
  await Promise.all(started.map((daemon) => daemon.exit("SIGTERM")));
});

async function coder(...args: string[]) {
  const { code, stdout, stderr } = await server.coder(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

async function lastJob(workspaceName: string): Promise<jobs.ProvisionerJob | undefined> {
  // `-o json` prints what the API answers.
  const all = JSON.parse(await coder("provisioner", "jobs", "list", "-o", "json")) as jobs.ProvisionerJob[];
  return all.find((job) => job.metadata.workspace_name === workspaceName);
}

/** What Terraform was given, by what it made of it. */
async function made(workspaceName: string): Promise<string | undefined> {
  type Resource = { type: string; instances: { attributes: { output: { value: string } } }[] };
  const state: { resources: Resource[] } = JSON.parse(await coder("state", "pull", workspaceName));
  const found = state.resources.find(({ type }) => type === "terraform_data");
  return found?.instances[0]?.attributes.output.value;
}

async function parametersOf(name: string) {
  const workspace = await client.call(workspaces.getWorkspaceByName, {
    params: { user: "me", workspacename: name },
  });
  const params = { workspacebuild: workspace.latest_build.id };
  const values = await client.call(builds.getBuildParameters, { params });
  return Object.fromEntries(values.map((each) => [each.name, each.value]));
}

describe("coder_workspace_tags (P14)", () => {
  test("decide which daemon imports and builds, by variable, local, parameter and owner", async () => {
    await coder("create", "here", "-t", "placed", "-y");
    expect(await lastJob("here")).toMatchObject({
      worker_name: "z-eu",
      tags: { scope: "organization", owner: "", zone: "z-eu", team: "all" },
    });
    expect(await parametersOf("here")).toEqual({ region: "eu" });
    expect(await made("here")).toBe("z-eu alice");

    await coder("create", "there", "-t", "placed", "-y", "--parameter", "region=us");
    expect(await lastJob("there")).toMatchObject({ worker_name: "z-us", tags: { zone: "z-us" } });
    // The parameter is there because of the region; its default, too, and the build was given both.
    expect(await parametersOf("there")).toEqual({ region: "us", gpu: "a100" });
    expect(await made("there")).toBe("z-us alice a100");

    await coder("stop", "there", "-y");
    await coder("start", "there", "-y", "--parameter", "gpu=h100");
    expect(await lastJob("there")).toMatchObject({ worker_name: "z-us" });
    expect(await made("there")).toBe("z-us alice h100");
  });

  test("follow the code from version to version, while those of a push are kept", async () => {
    const push = async (zone: string, ...args: string[]) => {
      const code = `${requiresCoder}\ndata "coder_workspace_tags" "where" {\n  tags = { zone = "${zone}" }\n}\n`;
      const { code: status, stderr } = await server.coder(
        ["templates", "push", "moving", "-d", "-", "-y", "--name", zone, ...args],
        { input: await packTemplate({ "main.tf": code }), timeoutMs: 60_000 },
      );
      expect(status, stderr).toBe(0);
      const versions = JSON.parse(await coder("templates", "versions", "list", "moving", "-o", "json"));
      return versions.find((one: { name: string }) => one.name === zone).job;
    };
    expect(await push("z-eu", "--provisioner-tag", "team=all")).toMatchObject({ worker_name: "z-eu" });
    expect(await push("z-us")).toMatchObject({
      worker_name: "z-us",
      tags: { scope: "organization", owner: "", zone: "z-us", team: "all" },
    });
  });

  test.each([
    [
      "an attribute of a resource",
      "zone = terraform_data.thing.id",
      'The tag "zone" is not known. terraform_data.thing is not known before a build.',
    ],
    ["a function that is none", 'zone = nonsense("a")', "nonsense"],
    [
      "a parameter without a default",
      "zone = data.coder_parameter.zone.value",
      'The parameter "zone" has no default, so it has no value yet. Give it one.',
    ],
  ])("a tag made of %s is refused when the template is pushed, with its place", async (_, tag, reason) => {
    const code = `resource "terraform_data" "thing" {}
data "coder_parameter" "zone" {
  name = "zone"
}
data "coder_workspace_tags" "where" {
  tags = {
    ${tag}
  }
}
`;
    const push = await server.coder(["templates", "push", "unknown", "-d", "-", "-y"], {
      input: await packTemplate({ "main.tf": code }),
    });
    expect(push.code).toBe(1);
    expect(push.stderr).toContain("main.tf:7,");
    expect(push.stderr).toContain(reason);
  });
});

describe("parameters that depend on others", () => {
  test("are asked for as answers make them appear", async () => {
    const [program = "", ...words] = coderCommand;
    const terminal = spawn(program, [...words, "create", "asked", "-t", "placed"], {
      cols: 100,
      rows: 30,
      env: { ...cleanEnvironment(), ...server.clientEnv },
    });
    let screen = "";
    terminal.onData((data) => {
      screen += data;
    });
    onTestFinished(() => terminal.kill());
    const exited = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    const sees = (text: string) =>
      waitFor(`the terminal to show "${text}"`, () => stripVTControlCharacters(screen).includes(text));
    const down = "\x1b[B";
    await sees("EU");
    terminal.write(down);
    await sees("● US");
    terminal.write("\r");
    await sees("h100");
    terminal.write(down);
    await sees("● h100");
    terminal.write("\r");
    await sees("Confirm create?");
    terminal.write("y");
    expect(await exited, screen).toBe(0);
    expect(await parametersOf("asked")).toEqual({ region: "us", gpu: "h100" });
  });

  test("are refused by the command line where they are not asked for", async () => {
    const create = (...values: string[]) =>
      server.coder(["create", "no", "-t", "placed", "-y", ...values.flatMap((it) => ["--parameter", it])]);
    expect((await create("gpu=a100")).stderr).toContain('parameter "gpu" is not present in the template');
    expect((await create("region=us", "gpu=tpu")).stderr).toContain("must be a valid option");
  });

  test("are those of the import where the template has the classic flow", async () => {
    const params = { organization: "default", templatename: "placed" };
    const { id } = await client.call(templates.getTemplateByName, { params });
    await client.call(templates.updateTemplate, {
      params: { template: id },
      body: { use_classic_parameter_flow: true },
    });
    const create = await server.coder(["create", "no", "-t", "placed", "-y", "--parameter", "gpu=a100"]);
    expect(create.stderr).toContain('parameter "gpu" is not present in the template');
  });
});
