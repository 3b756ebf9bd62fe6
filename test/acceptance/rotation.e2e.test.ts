import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { coderCommand, finished } from "../harness/coder-process.ts";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { pushTemplate } from "../harness/template.ts";

const templateName = "local";

let server: CoderServer;
let token: string;
let home: string;
beforeAll(async () => {
  server = await startCoderServer();
  home = await mkdtemp(join(tmpdir(), "slipway-cron-"));
  // What an operator's machine has as `coder`.
  await writeFile(join(home, "coder"), `#!/bin/sh\nexec ${coderCommand.join(" ")} "$@"\n`, { mode: 0o755 });
  await pushTemplate(server.owner, templateName, join(import.meta.dirname, "../../examples/local"));
  await server.coder(["users", "create", "--username", "oncall-sre", "--service-account"]);
  const minted = await server.coder(
    "tokens create --user oncall-sre --name oncall-automation --lifetime 8760h".split(" "),
  );
  token = minted.stdout.trim();
});
afterAll(async () => {
  await server.close();
  await rm(home, { recursive: true, force: true });
});

/**
 * As cron runs a line: by /bin/sh in a session without a terminal, with nothing on stdin and cron's few variables,
 * which here find the `coder` of the operator's machine.
 */
function cron(line: string) {
  const child = spawn("/bin/sh", ["-c", line], {
    cwd: home,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      HOME: home,
      LOGNAME: "nobody",
      SHELL: "/bin/sh",
      PATH: `${home}:/usr/bin:/bin`,
      CODER_URL: server.url,
      CODER_SESSION_TOKEN: token,
    },
  });
  return finished(child);
}

describe("without a terminal, with the token of a service account alone", () => {
  test("the documented create ends when the agent is ready (S3)", async () => {
    const created = await cron(
      `coder create oncall-sre/oncall-workspace --template ${templateName} --use-parameter-defaults --yes`,
    );
    expect(created, created.stderr).toMatchObject({ code: 0, stdout: "" });
    // Build logs stream by stage, in plain lines.
    expect(created.stderr).toContain("=== ✔ Starting workspace");
    expect(created.stderr).toContain("terraform_data.home");
    expect(created.stderr).not.toContain("\u001b[");
    const listed = await cron("coder list -o json");
    expect(agentOf(listed.stdout)).toMatchObject({ status: "connected", lifecycle_state: "ready" });
    expect(await cron("coder ssh oncall-workspace -- echo ready")).toMatchObject({
      code: 0,
      stdout: "ready\n",
    });
  });

  test("a restart runs from cron, and ends when the new agent is ready (S7)", async () => {
    const before = agentOf((await cron("coder list -o json")).stdout);
    await cron("coder ssh oncall-workspace -- touch kept");
    const restarted = await cron("coder restart oncall-sre/oncall-workspace --yes");
    expect(restarted, restarted.stderr).toMatchObject({ code: 0, stdout: "" });
    expect(restarted.stderr).toContain("=== ✔ Stopping workspace");
    expect(restarted.stderr).toContain("=== ✔ Starting workspace");
    expect(restarted.stderr).not.toContain("\u001b[");
    const after = agentOf((await cron("coder list -o json")).stdout);
    expect(after).toMatchObject({ status: "connected", lifecycle_state: "ready" });
    expect(after.id).not.toBe(before.id);
    expect(await cron("coder ssh oncall-workspace -- ls kept")).toMatchObject({ code: 0, stdout: "kept\n" });
  });

  test("a restart that nobody confirmed changes nothing, and says which flag is missing (S7)", async () => {
    const { id } = agentOf((await cron("coder list -o json")).stdout);
    const refused = await cron("coder restart oncall-sre/oncall-workspace");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("Give --yes.");
    expect(agentOf((await cron("coder list -o json")).stdout)).toMatchObject({ id, status: "connected" });
  });

  test("a script hears of what fails, by its status (S7)", async () => {
    const failed = await cron("set -e; coder restart oncall-sre/no-such-workspace --yes; echo unreached");
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toContain('workspace "oncall-sre/no-such-workspace" not found');
  });
});

type Agent = { id: string; status: string; lifecycle_state: string };

/** The agent of the one workspace in a list as JSON. */
function agentOf(list: string): Agent {
  const [workspace] = JSON.parse(list) as { latest_build: { resources: { agents?: Agent[] }[] } }[];
  const agent = workspace?.latest_build.resources.flatMap(({ agents }) => agents ?? [])[0];
  if (agent === undefined) throw new Error(`There is no agent in ${list}`);
  return agent;
}
