import {
  type AnyRoute,
  apiKeys,
  organizations,
  provisionerKeys,
  templateVersions,
  users,
  workspaces,
} from "@slipway/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allRoutes } from "../../packages/api/src/all-routes.ts";
import { routePath } from "../../packages/api/src/route-path.ts";
import { type CoderServer, newEncryptionKey, startCoderServer } from "../harness/coder-server.ts";
import { type ExternalDaemon, startExternalDaemon } from "../harness/external-daemon.ts";
import { pushTemplate } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";
import { createWorkspace, getAgent, waitForBuild } from "../harness/workspaces.ts";

const [psk, encryptionKey] = ["shared-by-daemons-91c2", newEncryptionKey()];
const [password, sensitive] = ["a-colleague's-own-word-4f", "of-the-cloud-8d1e"];

/** Puts what is secret into its state, its log and an error, as carelessly as its author can. */
const careless = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
variable "password" {
  sensitive = true
}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_parameter" "refused" {
  name    = "refused"
  default = "no"
}
resource "coder_agent" "dev" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
  input = {
    agent    = coder_agent.dev.token
    session  = data.coder_workspace_owner.me.session_token
    key      = data.coder_workspace_owner.me.ssh_private_key
    password = var.password
  }
  lifecycle {
    precondition {
      condition     = data.coder_parameter.refused.value == "no"
      error_message = "Refused with \${nonsensitive(var.password)}."
    }
  }
  provisioner "local-exec" {
    command = "echo 'connecting with \${nonsensitive(var.password)} and \${nonsensitive(data.coder_workspace_owner.me.session_token)}'"
  }
}
`;

let server: CoderServer;
let daemon: ExternalDaemon;
beforeAll(async () => {
  const env = {
    CODER_PROVISIONER_DAEMONS: "0",
    CODER_PROVISIONER_DAEMON_PSK: psk,
    CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: encryptionKey,
    // All that can be logged.
    CODER_LOG_FILTER: ".*",
  };
  server = await startCoderServer({ env });
  daemon = await startExternalDaemon({
    url: server.url,
    name: "careless",
    args: ["--verbose", "--log-filter", ".*"],
    env: { CODER_PROVISIONER_DAEMON_PSK: psk },
  });
  await daemon.connected();
});
afterAll(async () => {
  await server.close();
  await daemon.exit("SIGTERM");
});

/** Makes something of every kind; returns what names it in paths, and whatever of it is secret. */
async function makeOneOfEach() {
  const client = server.owner;
  const params = { organization: "default" };
  const bob = { username: "bob", email: "bob@example.com", password };
  const { id } = await client.call(organizations.getOrganization, { params });
  const body = { ...bob, login_type: "password" as const, organization_ids: [id] };
  await client.call(users.createUser, { body });
  const session = await server.client().call(users.login, { body: { email: bob.email, password } });
  const token = await client.call(apiKeys.createToken, {
    params: { user: "me" },
    body: { token_name: "ci" },
  });
  const { key } = await client.call(provisionerKeys.createProvisionerKey, {
    params,
    body: { name: "fleet" },
  });

  const source = { "main.tf": careless };
  const template = await pushTemplate(client, "careless", source, [{ name: "password", value: sensitive }]);
  const version = await client.call(templateVersions.getTemplateVersion, {
    params: { templateversion: template.active_version_id },
  });
  const workspace = await createWorkspace(client, template.id, "dev");
  const refused = await client.call(workspaces.createWorkspace, {
    params: { user: "me" },
    body: {
      template_id: template.id,
      name: "refused",
      rich_parameter_values: [{ name: "refused", value: "yes" }],
    },
  });
  const failed = await waitForBuild(client, refused.latest_build.id);
  expect(failed.job.error).toContain("Refused with *redacted*.");
  const dryRun = await client.call(templateVersions.createDryRun, {
    params: { templateversion: version.id },
    body: { workspace_name: "tried" },
  });
  await waitFor("the dry run to end", async () => {
    const job = await client.call(templateVersions.getDryRun, {
      params: { templateversion: version.id, job: dryRun.id },
    });
    return job.completed_at !== undefined;
  });

  const state = (await server.coder(["state", "pull", "dev"])).stdout;
  const machine = JSON.parse(state).resources.find(({ name }: { name: string }) => name === "machine");
  const made: Record<"agent" | "session" | "key" | "password", string> =
    machine.instances[0].attributes.output.value;
  expect(made.password).toBe(sensitive);
  return {
    names: {
      arch: "amd64",
      buildnumber: "1",
      file: version.job.file_id,
      job: dryRun.id,
      keyid: token.key.split("-")[0] ?? "",
      keyname: "ci",
      organization: "default",
      organizationname: "default",
      os: "linux",
      template: template.id,
      templatename: template.name,
      templateversion: version.id,
      templateversionname: version.name,
      user: "me",
      workspace: workspace.id,
      workspaceagent: (await getAgent(client, workspace.id)).id,
      workspacebuild: workspace.latest_build.id,
      workspacename: workspace.name,
    },
    failedBuild: failed.id,
    secrets: {
      "password of the owner": "correct-horse-battery-9",
      "password of another": password,
      "session of the owner": secretOf(server.ownerToken),
      "session of another": secretOf(session.session_token),
      token: secretOf(token.key),
      "provisioner key": key,
      "pre-shared key": psk,
      "encryption key": encryptionKey,
      "sensitive variable": sensitive,
      "token of the agent": made.agent,
      "session of the workspace": secretOf(made.session),
      // A line of it, however the others are escaped.
      "private key": made.key.split("\n")[2] ?? "",
    },
  };
}

/** The first half of a token is its id, which may be shown. */
const secretOf = (token: string) => token.split("-")[1] ?? "";

/** Terraform's own state holds what the template put there, for those who may update the template. */
const opened = new Set(["getBuildState"]);

const queries: Record<string, (names: { template: string }) => string> = {
  getAutofillParameters: ({ template }) => `?template_id=${template}`,
};

async function answerOf(route: AnyRoute, path: string): Promise<{ status: number; text: string }> {
  const aborter = new AbortController();
  const response = await fetch(server.url + path, {
    headers: { "Coder-Session-Token": server.ownerToken },
    signal: aborter.signal,
  });
  if (route.stream !== "sse") return { status: response.status, text: await response.text() };
  // What comes first is all that there is to tell; the stream itself would go on.
  const { value } = (await response.body?.getReader().read()) ?? {};
  aborter.abort();
  return { status: response.status, text: Buffer.from(value ?? []).toString() };
}

test("nothing secret is in any answer to an owner, nor in any line of a log", async () => {
  const { names, failedBuild, secrets } = await makeOneOfEach();
  for (const [what, secret] of Object.entries(secrets)) expect(secret.length, what).toBeGreaterThan(8);
  const routes = allRoutes.filter(
    ({ method, auth, responses, operationId }) =>
      method === "GET" &&
      auth !== "agent" &&
      auth !== "provisioner" &&
      !("101" in responses && Object.keys(responses).length === 1) &&
      !opened.has(operationId),
  );
  const leaks: string[] = [];
  const unanswered: string[] = [];
  const look = (where: string, text: string) => {
    for (const [what, secret] of Object.entries(secrets)) {
      if (text.includes(secret)) leaks.push(`${what} in ${where}`);
    }
  };
  const given: Record<string, string> = names;
  for (const route of routes) {
    const path = routePath(route).replaceAll(/:([a-z_]+)/gi, (_, name: string) => {
      const value = given[name];
      if (value === undefined) throw new Error(`Give the test a ${name}, for ${route.operationId}.`);
      return value;
    });
    const { status, text } = await answerOf(route, path + (queries[route.operationId]?.(names) ?? ""));
    if (status !== 200) unanswered.push(`${route.operationId} ${status}`);
    look(`${route.operationId}: ${path}`, text);
  }
  for (const path of ["", "/logs", "/resources", "/timings"]) {
    const response = await fetch(`${server.url}/api/v2/workspacebuilds/${failedBuild}${path}`, {
      headers: { "Coder-Session-Token": server.ownerToken },
    });
    expect(response.status).toBe(200);
    look(`the failed build${path}`, await response.text());
  }
  look("the server's log", server.log());
  look("the daemon's log", daemon.log());
  expect(leaks).toEqual([]);
  // The others did look at something.
  expect(unanswered.sort()).toEqual([
    "getKeptBuildState 404", // No state came too late.
    "getListeningPorts 400", // Nothing runs the agent.
    "getPreviousTemplateVersion 204", // There is none.
  ]);
});
