import { createHash } from "node:crypto";
import {
  type ExternalAuthProvider,
  type Metadata,
  type NamedValue,
  WorkspaceTransition,
} from "@slipway/proto/provisioner";

/** What Terraform may see of the daemon's own environment, where the credentials of its providers live. */
export type EnvironmentPolicy = {
  /** Set: only these names pass, besides those that every program needs. */
  allow?: readonly string[];
  /** Names from which the daemon's configuration was read. */
  drop?: readonly string[];
};

// engine.md §5. TF_* names that would move our files or change our commands go too.
const DROPPED =
  /^(CODER_|PG|NODE_|npm_|TF_CLI_ARGS|TF_(CLI_CONFIG_FILE|DATA_DIR|WORKSPACE|INPUT|LOG|LOG_PATH|LOG_CORE|LOG_PROVIDER|PLUGIN_CACHE_DIR|PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE|REATTACH_PROVIDERS|IN_AUTOMATION|IGNORE|TEMP_LOG_PATH|FORCE_LOCAL_BACKEND)$)/i;
const ALWAYS_PASS =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|XDG_RUNTIME_DIR|https?_proxy|no_proxy|all_proxy|SSL_CERT_FILE|SSL_CERT_DIR|SYSTEMROOT)$/i;
/** The one name of ours that is meant for templates: the operator's word on the `local` starter template. */
const FOR_TEMPLATES = new Set(["CODER_ALLOW_LOCAL_TEMPLATE"]);

/** The part of the environment that is the same for all jobs of a daemon. */
export function hostEnvironment(own: NodeJS.ProcessEnv, policy: EnvironmentPolicy): Record<string, string> {
  const drop = new Set(policy.drop ?? []);
  const allow = policy.allow === undefined ? null : new Set(policy.allow);
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) continue;
    const mayPass =
      FOR_TEMPLATES.has(name) ||
      (!DROPPED.test(name) &&
        !drop.has(name) &&
        (allow === null || allow.has(name) || ALWAYS_PASS.test(name)));
    if (mayPass) passed[name] = value;
  }
  return passed;
}

// provisioning.md §7.3: known to be harmless or set by operators on purpose.
const QUIET_TF_NAMES = new Set(
  "TF_LOG TF_LOG_PATH TF_INPUT TF_DATA_DIR TF_WORKSPACE TF_IN_AUTOMATION TF_REGISTRY_DISCOVERY_RETRY TF_REGISTRY_CLIENT_TIMEOUT TF_CLI_CONFIG_FILE TF_IGNORE".split(
    " ",
  ),
);

/** Names of `TF_*` variables of the host that reach every template of this daemon: worth a warning. */
export function surprisingTerraformNames(env: Record<string, string>): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith("TF_") && !QUIET_TF_NAMES.has(name))
    .sort();
}

/** What every command of the engine gets, whatever the job. */
export function commandEnvironment(
  host: Record<string, string>,
  cliConfigFile: string,
): Record<string, string> {
  return { ...host, CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1", TF_CLI_CONFIG_FILE: cliConfigFile };
}

export type JobEnvironment = {
  metadata: Metadata | undefined;
  transition: WorkspaceTransition;
  parameters: readonly NamedValue[];
  previousParameters: readonly NamedValue[];
  variables: readonly NamedValue[];
  externalAuth: readonly ExternalAuthProvider[];
  /** `CODER_AGENT_SCRIPT_<os>_<arch>` and the script. */
  agentScripts: Readonly<Record<string, string>>;
};

const TRANSITIONS: Record<WorkspaceTransition, string> = {
  [WorkspaceTransition.UNSPECIFIED]: "start",
  [WorkspaceTransition.START]: "start",
  [WorkspaceTransition.STOP]: "stop",
  [WorkspaceTransition.DESTROY]: "destroy",
};

/** Who and what a run is for, as the coder provider reads it (provisioning.md §7.3, engine.md §5). */
export function jobEnvironment(job: JobEnvironment): Record<string, string> {
  const { metadata } = job;
  const env: Record<string, string> = {
    ...job.agentScripts,
    CODER_WORKSPACE_TRANSITION: TRANSITIONS[job.transition],
  };
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== "") env[name] = value;
  };
  set("CODER_AGENT_URL", metadata?.coderUrl);
  set("CODER_WORKSPACE_ID", metadata?.workspaceId);
  set("CODER_WORKSPACE_NAME", metadata?.workspaceName);
  set("CODER_WORKSPACE_BUILD_ID", metadata?.workspaceBuildId);
  set("CODER_WORKSPACE_TEMPLATE_ID", metadata?.templateId);
  set("CODER_WORKSPACE_TEMPLATE_NAME", metadata?.templateName);
  set("CODER_WORKSPACE_TEMPLATE_VERSION", metadata?.templateVersion);
  set("CODER_WORKSPACE_OWNER", metadata?.workspaceOwner);
  set("CODER_WORKSPACE_OWNER_ID", metadata?.workspaceOwnerId);
  // The provider calls who has no name "default", and templates put that into Git's configuration.
  set("CODER_WORKSPACE_OWNER_NAME", metadata?.ownerName || metadata?.workspaceOwner);
  set("CODER_WORKSPACE_OWNER_EMAIL", metadata?.workspaceOwnerEmail);
  set("CODER_WORKSPACE_OWNER_LOGIN_TYPE", metadata?.ownerLoginType);
  set("CODER_WORKSPACE_OWNER_SSH_PUBLIC_KEY", metadata?.ownerSshPublicKey);
  set("CODER_WORKSPACE_OWNER_SSH_PRIVATE_KEY", metadata?.ownerSshPrivateKey);
  set("CODER_WORKSPACE_OWNER_SESSION_TOKEN", metadata?.ownerSessionToken);
  set("CODER_WORKSPACE_OWNER_OIDC_ACCESS_TOKEN", metadata?.ownerOidcAccessToken);
  if (metadata !== undefined) {
    env.CODER_WORKSPACE_OWNER_GROUPS = JSON.stringify(metadata.ownerGroups);
    env.CODER_WORKSPACE_OWNER_RBAC_ROLES = JSON.stringify(
      metadata.ownerRbacRoles.map((role) => ({ name: role.name, org_id: role.orgId })),
    );
  }
  for (const { name, value } of job.parameters) env[`CODER_PARAMETER_${sha256Hex(name)}`] = value;
  for (const { name, value } of job.previousParameters) {
    env[`CODER_PARAMETER_PREVIOUS_${sha256Hex(name)}`] = value;
  }
  for (const { id, accessToken } of job.externalAuth) {
    env[`CODER_EXTERNAL_AUTH_ACCESS_TOKEN_${id}`] = accessToken;
    env[`CODER_GIT_AUTH_ACCESS_TOKEN_${id}`] = accessToken;
  }
  for (const { name, value } of job.variables) env[`TF_VAR_${name}`] = value;
  return env;
}

/** What of a job must never show in its log. Sensitive variables are named by the template. */
export function secretsOfJob(job: JobEnvironment, sensitiveVariables: ReadonlySet<string>): string[] {
  const { metadata } = job;
  return [
    metadata?.ownerSessionToken ?? "",
    metadata?.ownerOidcAccessToken ?? "",
    metadata?.ownerSshPrivateKey ?? "",
    ...job.externalAuth.map((provider) => provider.accessToken),
    ...job.variables.filter(({ name }) => sensitiveVariables.has(name)).map(({ value }) => value),
  ].filter((secret) => secret !== "");
}

const sha256Hex = (text: string) => createHash("sha256").update(text).digest("hex");
