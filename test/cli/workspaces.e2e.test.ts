import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { finished, keepOutput, spawnCoder } from "../harness/coder-process.ts";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { startCuttableProxy } from "../harness/cuttable-proxy.ts";
import { startHoldingProxy } from "../harness/holding-proxy.ts";
import { createLedger, ledgerTemplate } from "../harness/ledger.ts";
import { localTemplateWith } from "../harness/local-workspace.ts";
import { packTemplate, pushTemplate } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";

let server: CoderServer;
beforeAll(async () => {
  server = await startCoderServer();
  await pushTemplate(server.owner, "small", small("region"));
});
afterAll(() => server.close());

const coder = (...args: string[]) => server.coder(args);

/** A template without an agent: its workspaces are made in a moment. */
function small(...parameters: string[]): Record<string, string> {
  return {
    "main.tf": `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
${parameters.map((name) => `data "coder_parameter" "${name}" {\n  name = "${name}"\n  default = "eu"\n  mutable = true\n}`).join("\n")}
resource "terraform_data" "thing" {
  count = data.coder_workspace.me.start_count
}
`,
  };
}

test("logs are followed to their end through a network that was away", async () => {
  const ledger = await createLedger();
  const proxy = await startCuttableProxy(server.url);
  onTestFinished(async () => {
    await ledger.openGate();
    await proxy.close();
    await ledger.remove();
  });
  await pushTemplate(server.owner, "followed", ledgerTemplate);
  const { name, value } = ledger.parameters[0] ?? { name: "", value: "" };
  await coder("create", "steps", "-t", "followed", "-y", "--no-wait", "--parameter", `${name}=${value}`);
  await ledger.reachGate();
  const child = spawnCoder(["logs", "-f", "steps"], { ...server.clientEnv, CODER_URL: proxy.url });
  const said = keepOutput(child.stdout);
  const end = finished(child);
  await waitFor("the first step to be shown", async () =>
    said.text().includes("terraform_data.one: Creation"),
  );
  proxy.cut();
  await waitFor("the command to ask again", async () => proxy.refused > 0);
  await ledger.openGate();
  proxy.mend();
  await waitFor("the last step to be shown", async () =>
    said.text().includes("terraform_data.three: Creation"),
  );
  // With its agent, the logs come to their end.
  expect(await coder("delete", "steps", "-y")).toMatchObject({ code: 0 });
  const { code, stdout, stderr } = await end;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "The server is away, waiting for it.\n" });
  const lines = stdout.split("\n");
  expect(lines.filter((line) => line.includes("terraform_data.one: Creation complete"))).toHaveLength(1);
});

test("a create that is interrupted while the server makes the workspace cancels its build", async () => {
  const proxy = await startHoldingProxy(server.url);
  const ledger = await createLedger();
  onTestFinished(async () => {
    await ledger.openGate();
    await proxy.close();
    await ledger.remove();
  });
  await pushTemplate(server.owner, "held", ledgerTemplate);
  const { name, value } = ledger.parameters[0] ?? { name: "", value: "" };
  const { answered, release } = proxy.hold("POST", /\/workspaces$/);
  const words = ["create", "regretted", "-t", "held", "-y", "--parameter", `${name}=${value}`];
  const child = spawnCoder(words, { ...server.clientEnv, CODER_URL: proxy.url });
  const said = keepOutput(child.stderr);
  const end = finished(child);
  await Promise.race([answered, end]);
  child.kill("SIGINT");
  await waitFor("the signal to be heard", async () =>
    said.text().includes("Press Ctrl-C again to end at once"),
  );
  release();
  const { code, stderr } = await end;
  expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining("Gracefully canceling") });
  const [workspace] = JSON.parse((await coder("list", "-o", "json", "--search", "name:regretted")).stdout);
  expect(workspace.latest_build.status).toBe("canceled");
  expect(await coder("delete", "regretted", "-y")).toMatchObject({ code: 0 });
});

describe("the life of a workspace", () => {
  test("from create to delete", async () => {
    const created = await coder("create", "dev", "-t", "small", "--parameter", "region=us", "-y");
    expect(created).toMatchObject({ code: 0, stdout: "" });
    expect(created.stderr).toContain("terraform_data.thing\n");
    expect(created.stderr).toMatch(/=== ✔ Queued \[/);
    expect(created.stderr).toMatch(/The dev workspace has been created at /);
    expect((await coder("create", "dev", "-t", "small", "-y")).stderr).toBe(
      'error: A workspace already exists named "dev"!\n',
    );

    expect((await coder("list", "-c", "workspace,template,status")).stdout).toBe(
      "WORKSPACE  TEMPLATE  STATUS\nalice/dev  small     Started\n",
    );
    expect((await coder("ls", "--search", "status:stopped")).stdout).toBe("");
    expect((await coder("show", "alice/dev")).stdout).toBe("terraform_data.thing\n");
    expect((await coder("logs", "dev")).stdout).toMatch(
      /^\S+ \[info\] \[provisioner\|[^\]]+\] .*terraform_data\.thing/m,
    );
    expect(JSON.parse((await coder("state", "pull", "dev")).stdout)).toMatchObject({ version: 4 });
    expect((await coder("state", "pull", "dev", "--kept")).stderr).toContain(
      "No state of this build came too late.",
    );
    expect((await coder("start", "dev")).stderr).toContain("already running");

    expect((await coder("stop", "dev")).stderr).toContain("Give --yes.");
    expect(await coder("stop", "dev", "-y")).toMatchObject({ code: 0, stdout: "" });
    expect((await coder("list", "-c", "status")).stdout).toBe("STATUS\nStopped\n");
    expect(await coder("start", "dev")).toMatchObject({ code: 0 });
    expect(await coder("restart", "dev", "--yes")).toMatchObject({ code: 0 });
    expect((await coder("logs", "dev", "-n", "1")).stdout).toContain("terraform_data.thing");
    expect((await coder("logs", "dev", "-n", "99")).stderr).toContain("dev has no build 99");

    expect(await coder("delete", "dev", "-y")).toMatchObject({ code: 0 });
    expect((await coder("show", "dev")).stderr).toContain('error: workspace "dev" not found');
    expect(JSON.parse((await coder("list", "-o", "json")).stdout)).toEqual([]);
  });

  test("a state is replaced of the build that was named, and nothing is built", async () => {
    await coder("create", "moved", "-t", "small", "--use-parameter-defaults", "-y");
    await coder("stop", "moved", "-y");
    const pull = async (build: string) =>
      JSON.parse((await coder("state", "pull", "moved", "-b", build)).stdout);
    const [first, second] = [await pull("1"), await pull("2")];
    for (const [serial, flags] of [
      [71, ["-b", "1", "-n"]],
      [72, ["--no-build", "--build", "1"]],
    ] as const) {
      const input = JSON.stringify({ ...first, serial });
      const pushed = await server.coder(["state", "push", "moved", "-", ...flags], { input });
      expect(pushed).toMatchObject({ code: 0 });
      expect(pushed.stderr).toContain("Replaced the state of build 1; nothing was built.");
      expect(await pull("1")).toMatchObject({ serial });
      expect(await pull("2")).toEqual(second);
    }
    expect((await coder("logs", "moved", "-n", "3")).stderr).toContain("moved has no build 3");
    expect(await coder("delete", "moved", "-y")).toMatchObject({ code: 0 });
  });

  test("an update asks for nothing that has a value, and takes new parameters", async () => {
    const template = await pushTemplate(server.owner, "moving", small("region"));
    expect(await coder("create", "mover", "-t", "moving", "--parameter", "region=us", "-y")).toMatchObject({
      code: 0,
    });
    const current = await coder("update", "mover");
    expect(current).toMatchObject({ code: 0, stderr: "Workspace is up-to-date.\n" });

    const archive = await packTemplate(small("region", "disk"));
    const pushed = await server.coder(["templates", "push", template.name, "-d", "-", "-y"], {
      input: archive,
    });
    expect(pushed).toMatchObject({ code: 0 });
    expect((await coder("list", "-c", "workspace,outdated")).stdout).toMatch(/alice\/mover\s+true/);
    const updated = await coder("update", "mover", "--parameter", "disk=20");
    expect(updated).toMatchObject({ code: 0 });
    expect(updated.stderr).toMatch(/The mover workspace has been updated/);
    expect((await coder("list", "-c", "workspace,outdated")).stdout).toMatch(/alice\/mover\s+false/);
    expect(await coder("delete", "mover", "-y")).toMatchObject({ code: 0 });
  });

  test("orphaning needs no Terraform", async () => {
    expect(await coder("create", "lost", "-t", "small", "--use-parameter-defaults", "-y")).toMatchObject({
      code: 0,
    });
    const deleted = await coder("delete", "lost", "--orphan", "-y");
    expect(deleted).toMatchObject({ code: 0 });
    expect(deleted.stderr).toContain("nothing will know of them");
  });

  test("favourites come first, policies are kept, and shells complete names", async () => {
    for (const name of ["aaa", "bbb"]) await coder("create", name, "-t", "small", "-y");
    expect(await coder("favorite", "bbb")).toMatchObject({ code: 0 });
    const order = async () => (await coder("list", "-c", "workspace")).stdout.split("\n").slice(1, 3);
    expect(await order()).toEqual(["alice/bbb", "alice/aaa"]);
    expect((await coder("__complete", "--", "start", "b")).stdout).toBe("bbb\n");
    expect(await coder("unfavorite", "bbb")).toMatchObject({ code: 0 });
    expect(await order()).toEqual(["alice/aaa", "alice/bbb"]);
    expect(await coder("autoupdate", "aaa", "always", "-y")).toMatchObject({ code: 0 });
    const [listed] = JSON.parse((await coder("list", "-o", "json", "--search", "name:aaa")).stdout);
    expect(listed).toMatchObject({ automatic_updates: "always" });
    for (const name of ["aaa", "bbb"]) await coder("delete", name, "-y");
  });
});

test("a service account's workspace is ready without a question (S3)", async () => {
  await pushTemplate(server.owner, "local", join(import.meta.dirname, "../../examples/local"));
  await coder("users", "create", "--username", "oncall-sre", "--service-account");
  const token = (
    await coder("tokens", "create", "--user", "oncall-sre", "--lifetime", "8760h")
  ).stdout.trim();
  const account = { ...server.clientEnv, CODER_SESSION_TOKEN: token };
  const args = [
    "create",
    "oncall-sre/oncall-workspace",
    "--template",
    "local",
    "--use-parameter-defaults",
    "--yes",
  ];
  const created = await finished(spawnCoder(args, account));
  expect(created, created.stderr).toMatchObject({ code: 0, stdout: "" });
  expect(created.stderr).toContain("Starting workspace");
  expect(created.stderr).toContain("=== ✔ Waiting for the workspace agent to connect");
  expect(created.stderr).toContain("Open a shell in it:");
  const shown = await finished(spawnCoder(["show", "oncall-workspace"], account));
  expect(shown.stdout).toContain("⦿ connected");
  expect(shown.stdout).toContain("coder ssh oncall-workspace");
  const opened = await finished(spawnCoder(["open", "vscode", "oncall-workspace", "project"], account));
  const uri = new URL(opened.stdout.trim());
  expect(uri.href).toMatch(/^vscode:\/\/coder\.coder-remote\/open\?/);
  expect(Object.fromEntries(uri.searchParams)).toMatchObject({
    owner: "oncall-sre",
    workspace: "oncall-workspace",
    agent: "main",
    folder: "/home/coder/project",
    url: server.url,
  });
  const app = await finished(spawnCoder(["open", "app", "oncall-workspace", "none"], account));
  expect(app).toMatchObject({ code: 1, stderr: expect.stringContaining('has no app "none"') });
  expect((await coder("list")).stdout).toBe("");
  expect((await coder("list", "--all", "-c", "workspace")).stdout).toContain("oncall-sre/oncall-workspace");
});

test("sessions and stop scripts of the local template end in order before the workspace is gone", async () => {
  await pushTemplate(server.owner, "farewell", await localTemplateWith("sleep 1; echo >>ended", "stop"));
  expect(await coder("create", "leaving", "-t", "farewell", "-y")).toMatchObject({ code: 0 });
  const child = spawnCoder(["ssh", "leaving", "--", "echo begun; exec sleep 1000"], server.clientEnv);
  const stdout = keepOutput(child.stdout);
  const session = finished(child);
  await waitFor("the session", () => stdout.text().includes("begun"));
  expect(await coder("stop", "leaving", "-y")).toMatchObject({ code: 0 });
  expect(await session).toMatchObject({
    code: 255,
    stderr: expect.stringMatching(/workspace is shutting down|leaving is being stopped/),
  });
  expect(await coder("ssh", "leaving", "--", "wc -l <ended")).toMatchObject({ code: 0, stdout: "1\n" });
  expect(await coder("delete", "leaving", "-y")).toMatchObject({ code: 0 });
});

test("without a sandbox, the local template has a shell, and a stop leaves nothing that runs", async () => {
  await pushTemplate(server.owner, "bare", join(import.meta.dirname, "../../examples/local"));
  expect(await coder("create", "bare", "-t", "bare", "--parameter", "sandbox=off", "-y")).toMatchObject({
    code: 0,
  });
  const { stdout } = await coder("ssh", "bare", "--", "nohup sleep 1000 >/dev/null 2>&1 & echo $!");
  // What has ended may stay as a zombie for a moment.
  const runs = () => readFile(`/proc/${Number(stdout)}/cmdline`, "utf8").catch(() => "");
  expect(await runs()).toContain("1000");
  expect(await coder("stop", "bare", "-y")).toMatchObject({ code: 0 });
  expect(await runs()).toBe("");
  expect(await coder("delete", "bare", "-y")).toMatchObject({ code: 0 });
});

describe("Ctrl-C", () => {
  test("cancels the build and goes on showing it until it has ended", async () => {
    await pushTemplate(server.owner, "ledger", ledgerTemplate);
    const ledger = await createLedger();
    try {
      const args = ["create", "stuck", "-t", "ledger", "--parameter", `dir=${ledger.dir}`, "-y"];
      const child = spawnCoder(args, server.clientEnv, { stdio: ["ignore", "pipe", "pipe"] });
      const stderr = keepOutput(child.stderr);
      const ended = finished(child);
      await ledger.reachGate();
      await waitFor("the log to show it", () => stderr.text().includes("terraform_data.two"));
      child.kill("SIGINT");
      await waitFor("it to say so", () => stderr.text().includes("Gracefully canceling"));
      await ledger.openGate();
      const { code } = await ended;
      expect(code, stderr.text()).toBe(130);
      expect(stderr.text()).toContain("error: The start of stuck was canceled.");
      expect(await coder("delete", "stuck", "-y")).toMatchObject({ code: 0 });
    } finally {
      await ledger.remove();
    }
  });
});
