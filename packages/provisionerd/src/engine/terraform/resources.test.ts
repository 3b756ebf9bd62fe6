import { readFileSync } from "node:fs";
import { LogLevel, type Resource } from "@slipway/proto/provisioner";
import { describe, expect, test } from "vitest";
import { resourcesFromPlan } from "./resources-from-plan.ts";
import { resourcesFromState } from "./resources-from-state.ts";
import type { ConvertedResources } from "./results/convert-resources.ts";

const read = (file: string) => readFileSync(new URL(`testdata/full/${file}`, import.meta.url), "utf8");
const sources: [what: string, convert: () => ConvertedResources][] = [
  ["the state", () => resourcesFromState(JSON.parse(read("terraform.tfstate")))],
  [
    "the plan with Terraform's graph",
    () => resourcesFromPlan(JSON.parse(read("plan.json")), read("graph.dot")),
  ],
  [
    "the plan with the verbose graph",
    () => resourcesFromPlan(JSON.parse(read("plan.json")), read("graph-verbose.dot")),
  ],
];
const find = (resources: Resource[], name: string) => resources.find((resource) => resource.name === name);

describe.each(sources)("from %s", (_, convert) => {
  const { resources, diagnostics } = convert();

  test("machines are listed, descriptions of them are not", () => {
    expect(resources.map(({ modulePath, type, name }) => `${modulePath}/${type}/${name}`)).toEqual([
      "module.tools/terraform_data/machine",
      "/terraform_data/after",
      "/terraform_data/home",
      "/terraform_data/windows",
      "/terraform_data/windows",
      "/terraform_data/workspace",
    ]);
  });

  test("each agent is on the nearest resource that uses it, be it through a local", () => {
    expect(resources.map(({ name, agents }) => [name, ...agents.map((agent) => agent.name)])).toEqual([
      ["machine", "inner"],
      ["after"],
      ["home"],
      ["windows", "second"],
      ["windows"],
      ["workspace", "main"],
    ]);
  });

  test("an agent that no resource uses is left out with a warning", () => {
    expect(diagnostics).toEqual([
      {
        severity: LogLevel.WARN,
        summary: "Agent without a resource",
        detail: expect.stringContaining("coder_agent.lonely"),
      },
    ]);
  });

  test("an agent with all that belongs to it", () => {
    const agent = find(resources, "workspace")?.agents[0];
    expect(agent).toMatchObject({
      name: "main",
      operatingSystem: "linux",
      architecture: "amd64",
      directory: "~",
      env: { HELLO: "world" },
      auth: { case: "token" },
      connectionTimeoutSeconds: 60,
      troubleshootingUrl: "https://example.com/help",
      motdFile: "/etc/motd",
      order: 3,
      apiKeyScope: "all",
      startupScriptBehavior: "blocking",
      metadata: [
        {
          key: "cpu",
          displayName: "CPU",
          script: "coder stat cpu",
          intervalSeconds: 10,
          timeoutSeconds: 1,
          order: 1,
        },
      ],
      displayApps: {
        vscode: false,
        vscodeInsiders: true,
        webTerminal: true,
        sshHelper: true,
        portForwardingHelper: true,
      },
      extraEnvs: [{ name: "PATH", value: "/opt/bin", mergeStrategy: "append" }],
    });
    expect(agent?.scripts).toMatchObject([
      {
        displayName: "Startup Script",
        script: "echo start",
        startBlocksLogin: true,
        runOnStart: true,
        runOnStop: false,
      },
      { displayName: "Shutdown Script", script: "echo stop", runOnStart: false, runOnStop: true },
      {
        displayName: "Every hour",
        cron: "0 0 * * * *",
        timeoutSeconds: 30,
        logPath: "hour.log",
        runOnStop: true,
      },
      { displayName: "From a module", script: "echo module", runOnStart: true },
    ]);
    expect(agent?.apps).toMatchObject([
      { slug: "shell", displayName: "shell", command: "htop", sharingLevel: "owner", openIn: "slim-window" },
      {
        slug: "web",
        displayName: "Web",
        url: "http://localhost:8080",
        icon: "/icon/web.svg",
        subdomain: true,
        sharingLevel: "authenticated",
        order: 2,
        group: "Tools",
        tooltip: "hi",
        openIn: "tab",
        healthcheck: { url: "http://localhost:8080/healthz", intervalSeconds: 5, threshold: 6 },
      },
      { slug: "inner", url: "https://example.com", external: true },
    ]);
    expect(agent?.apps[0]?.healthcheck).toBeUndefined();
  });

  test("an agent with the defaults, and one that proves itself by its instance", () => {
    expect(find(resources, "machine")?.agents[0]).toMatchObject({
      connectionTimeoutSeconds: 120,
      startupScriptBehavior: "non-blocking",
      displayApps: { vscode: true, vscodeInsiders: false, webTerminal: true },
      scripts: [],
    });
    expect(find(resources, "windows")?.agents[0]?.auth).toEqual({ case: "instanceId", value: "i-123" });
  });

  test("metadata describes its resource", () => {
    expect(find(resources, "workspace")).toMatchObject({
      icon: "/icon/server.svg",
      dailyCost: 20,
      hide: false,
      metadata: [
        { key: "region", value: "eu", sensitive: false, isNull: false },
        { key: "secret", value: "s3cret", sensitive: true, isNull: false },
        { key: "nothing", value: "", sensitive: false, isNull: true },
      ],
    });
    expect(find(resources, "home")).toMatchObject({ hide: true, metadata: [] });
  });
});

test("the state gives agents their ids and tokens", () => {
  const { resources } = resourcesFromState(JSON.parse(read("terraform.tfstate")));
  const agent = find(resources, "workspace")?.agents[0];
  expect(agent?.id).toMatch(/^[0-9a-f-]{36}$/);
  expect(agent?.auth.value).toMatch(/^[0-9a-f-]{36}$/);
  expect(agent?.auth.value).not.toBe(agent?.id);
});

test("a stopped workspace has its lasting resources and no warnings", () => {
  const { resources, diagnostics } = resourcesFromPlan(JSON.parse(read("stop-plan.json")), read("graph.dot"));
  expect(resources.map(({ name }) => name)).toEqual(["machine", "home", "windows", "windows"]);
  expect(find(resources, "home")?.agents).toEqual([]);
  expect(diagnostics).toEqual([]);
});

/** One resource of a state, as far as the tests need it. */
type Item = { type: string; name: string; module?: string; mode?: string; instances: object[] };
const item = (
  address: string,
  attributes: object = {},
  dependencies: string[] = [],
  more: object = {},
): Item => {
  const [type = "", name = ""] = address.split(".");
  return { mode: "managed", type, name, instances: [{ attributes, dependencies, ...more }] };
};
const stateOf = (...resources: Item[]) => resourcesFromState({ version: 4, resources });
const agent = (name: string, attributes: object = {}) =>
  item(`coder_agent.${name}`, { id: `id-${name}`, ...attributes });
const messages = ({ diagnostics }: ConvertedResources) =>
  diagnostics.map(({ summary, detail }) => `${summary}: ${detail}`);

describe("refused:", () => {
  test.each([
    [
      ["dev", "Dev"],
      /Duplicate agent name: coder_agent\.dev and coder_agent\.Dev|coder_agent\.Dev and coder_agent\.dev/,
    ],
    [["my_agent"], /holds an underscore.*coder_agent\.my-agent\./],
    [["a--b"], /single dashes/],
  ])("agents named %j", (names, message) => {
    const machines = names.map((name) => item(`null_resource.${name}`, {}, [`coder_agent.${name}`]));
    const found = stateOf(...names.map((name) => agent(name)), ...machines);
    expect(found.diagnostics.map(({ severity }) => severity)).toEqual([LogLevel.ERROR]);
    expect(messages(found)[0]).toMatch(message);
  });

  test("one slug for two apps, and a slug against the rules", () => {
    const app = (name: string, slug: string) =>
      item(`coder_app.${name}`, { agent_id: "id-dev", slug }, ["coder_agent.dev"]);
    const machine = item("null_resource.m", {}, ["coder_agent.dev"]);
    const found = stateOf(agent("dev"), machine, app("a", "web"), app("b", "web"), app("c", "We_b"));
    expect(messages(found)).toEqual([
      expect.stringMatching(/^Duplicate app slug: coder_app\.b and coder_app\.a both have the slug "web"/),
      expect.stringMatching(/^Invalid app slug: The slug "We_b" of coder_app\.c/),
    ]);
  });

  test("two descriptions of one resource", () => {
    const describe = (name: string) =>
      item(`coder_metadata.${name}`, { resource_id: "m" }, ["null_resource.m"]);
    expect(messages(stateOf(item("null_resource.m", { id: "m" }), describe("a"), describe("b")))).toEqual([
      expect.stringMatching(
        /^Duplicate metadata: coder_metadata\.b and coder_metadata\.a both describe null_resource\.m/,
      ),
    ]);
  });

  test("a state of another format", () => {
    expect(() => resourcesFromState({ version: 3 })).toThrow(/not of format 4/);
    expect(() => resourcesFromState(null)).toThrow(/not of format 4/);
  });
});

test("what a machine calls itself stands for the agent's token", () => {
  const holders: [type: string, attributes: object, id: string, instanceType: string][] = [
    ["google_compute_instance", { instance_id: "g-1", machine_type: "e2" }, "g-1", "e2"],
    ["aws_instance", { id: "a-1", instance_type: "t3" }, "a-1", "t3"],
    ["aws_spot_instance_request", { id: "no", spot_instance_id: "s-1", instance_type: "t3" }, "s-1", "t3"],
    ["azurerm_linux_virtual_machine", { virtual_machine_id: "v-1", size: "B2" }, "v-1", "B2"],
    ["azurerm_windows_virtual_machine", { virtual_machine_id: "w-1", size: "B4" }, "w-1", "B4"],
  ];
  for (const [type, attributes, id, instanceType] of holders) {
    const machine = item(`${type}.m`, attributes, ["coder_agent.dev"]);
    const { resources } = stateOf(agent("dev", { auth: "aws-instance-identity" }), machine);
    expect(resources[0]).toMatchObject({
      instanceType,
      agents: [{ auth: { case: "instanceId", value: id } }],
    });
  }
});

test("of several instances the one that names the agent has it", () => {
  const machine = {
    ...item("docker_container.c"),
    instances: [0, 1].map((index_key) => ({
      index_key,
      attributes: { env: index_key === 1 ? ["CODER_AGENT_TOKEN=secret-token"] : [] },
      dependencies: ["coder_agent.dev"],
    })),
  };
  const { resources } = stateOf(agent("dev", { token: "secret-token" }), machine);
  expect(resources.map(({ agents }) => agents.length)).toEqual([0, 1]);
});

test("instances of one module do not take the agents of another", () => {
  const inModule = (key: number, found: Item) => ({ ...found, module: `module.ws[${key}]` });
  const { resources } = stateOf(
    inModule(0, agent("a", { id: "id-0" })),
    inModule(1, item("null_resource.m", { id: "m1" }, ["module.ws.coder_agent.a"])),
  );
  expect(resources[0]).toMatchObject({ modulePath: "module.ws[1]", agents: [] });
});

test("deposed objects are no resources, external agents are", () => {
  const deposed = item("null_resource.old", {}, [], { deposed: "abc" });
  const external = item("coder_external_agent.dev", { agent_id: "id-dev" }, ["coder_agent.dev"]);
  const { resources } = stateOf(deposed, agent("dev"), external);
  expect(resources).toMatchObject([{ type: "coder_external_agent", agents: [{ name: "dev" }] }]);
});
