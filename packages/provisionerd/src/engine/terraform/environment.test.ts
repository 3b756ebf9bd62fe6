import { create } from "@bufbuild/protobuf";
import { MetadataSchema, WorkspaceTransition } from "@slipway/proto/provisioner";
import { describe, expect, test } from "vitest";
import { hostEnvironment, jobEnvironment, surprisingTerraformNames } from "./environment.ts";

const own = {
  PATH: "/bin",
  HOME: "/root",
  AWS_PROFILE: "dev",
  https_proxy: "http://proxy",
  CODER_AGENT_TOKEN: "x",
  PGPASSWORD: "x",
  NODE_OPTIONS: "x",
  npm_config_registry: "x",
  TF_CLI_ARGS: "x",
  TF_CLI_ARGS_plan: "x",
  TF_DATA_DIR: "x",
  TF_WORKSPACE: "x",
  TF_REATTACH_PROVIDERS: "x",
  TF_VAR_region: "eu",
  SLIPWAY_URL: "x",
};

describe("hostEnvironment", () => {
  test("keeps what providers need, and nothing that is ours", () => {
    expect(hostEnvironment(own, { drop: ["SLIPWAY_URL"] })).toEqual({
      PATH: "/bin",
      HOME: "/root",
      AWS_PROFILE: "dev",
      https_proxy: "http://proxy",
      TF_VAR_region: "eu",
    });
  });

  test("an allow-list narrows it to what is on it and what every program needs", () => {
    expect(hostEnvironment(own, { allow: ["AWS_PROFILE"] })).toEqual({
      PATH: "/bin",
      HOME: "/root",
      AWS_PROFILE: "dev",
      https_proxy: "http://proxy",
    });
  });

  test("one name of ours is for templates", () => {
    expect(hostEnvironment({ CODER_ALLOW_LOCAL_TEMPLATE: "true" }, { allow: [] })).toEqual({
      CODER_ALLOW_LOCAL_TEMPLATE: "true",
    });
  });

  test("names that reach every template are worth a warning", () => {
    expect(surprisingTerraformNames(hostEnvironment(own, {}))).toEqual(["TF_VAR_region"]);
  });
});

test("a job's environment is as the coder provider reads it", () => {
  const env = jobEnvironment({
    metadata: create(MetadataSchema, {
      coderUrl: "https://coder.example.com",
      workspaceName: "dev",
      workspaceBuildId: "b",
      workspaceOwner: "alice",
      ownerGroups: ["Everyone"],
      ownerRbacRoles: [{ name: "owner", orgId: "" }],
      ownerSessionToken: "",
    }),
    transition: WorkspaceTransition.DESTROY,
    parameters: [{ $typeName: "slipway.provisioner.v1.NamedValue", name: "size", value: "4" }],
    previousParameters: [],
    variables: [{ $typeName: "slipway.provisioner.v1.NamedValue", name: "zone", value: "eu" }],
    externalAuth: [
      {
        $typeName: "slipway.provisioner.v1.ExternalAuthProvider",
        id: "git-hub",
        optional: false,
        accessToken: "t",
      },
    ],
    agentScripts: { CODER_AGENT_SCRIPT_linux_amd64: "script" },
  });
  expect(env).toEqual({
    CODER_AGENT_SCRIPT_linux_amd64: "script",
    CODER_AGENT_URL: "https://coder.example.com",
    CODER_WORKSPACE_TRANSITION: "destroy",
    CODER_WORKSPACE_NAME: "dev",
    CODER_WORKSPACE_BUILD_ID: "b",
    CODER_WORKSPACE_OWNER: "alice",
    // Who has no name is called by the user name: the provider would say "default".
    CODER_WORKSPACE_OWNER_NAME: "alice",
    CODER_WORKSPACE_OWNER_GROUPS: '["Everyone"]',
    CODER_WORKSPACE_OWNER_RBAC_ROLES: '[{"name":"owner","org_id":""}]',
    // The name's SHA-256.
    CODER_PARAMETER_ccdcbe846f3da4eb044fbdf64bf6b57902388ab72fb0c852ba72280f8d478b40: "4",
    "CODER_EXTERNAL_AUTH_ACCESS_TOKEN_git-hub": "t",
    "CODER_GIT_AUTH_ACCESS_TOKEN_git-hub": "t",
    TF_VAR_zone: "eu",
  });
});
