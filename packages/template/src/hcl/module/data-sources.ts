import { BOOL, listOf, NUMBER, objectOf, STRING } from "../values/type.ts";
import { bool, integer, list, object, string, unknown, type Value } from "../values/value.ts";
import type { WorkspaceFacts, WorkspaceOwner } from "./evaluation-inputs.ts";

const ROLE = objectOf(
  new Map([
    ["name", STRING],
    ["org_id", STRING],
  ]),
);

/** `data.coder_workspace_owner` (provisioning.md §13.3). */
export function ownerValue(owner: WorkspaceOwner | undefined): Value {
  const text = (value: string | undefined) => (value === undefined ? unknown(STRING) : string(value));
  return object([
    ["id", text(owner?.id)],
    ["name", text(owner?.name)],
    ["full_name", text(owner?.full_name)],
    ["email", text(owner?.email)],
    ["ssh_public_key", text(owner?.ssh_public_key)],
    ["ssh_private_key", unknown(STRING)],
    ["session_token", unknown(STRING)],
    ["oidc_access_token", unknown(STRING)],
    ["login_type", text(owner?.login_type)],
    ["groups", owner === undefined ? unknown(listOf(STRING)) : list(STRING, owner.groups.map(string))],
    ["rbac_roles", owner === undefined ? unknown(listOf(ROLE)) : rolesValue(owner.rbac_roles)],
  ]);
}

function rolesValue(roles: WorkspaceOwner["rbac_roles"]): Value {
  return list(
    ROLE,
    roles.map(({ name, org_id }) => {
      return object([
        ["name", string(name)],
        ["org_id", string(org_id)],
      ]);
    }),
  );
}

/** `data.coder_workspace`. Evaluations are about workspaces of people, so it is no prebuild. */
export function workspaceValue(facts: WorkspaceFacts = {}): Value {
  const text = (value: string | undefined) => (value === undefined ? unknown(STRING) : string(value));
  const { transition, access_url } = facts;
  const isStart = transition === "start";
  return object([
    ["id", text(facts.id)],
    ["name", text(facts.name)],
    ["transition", text(transition)],
    ["start_count", transition === undefined ? unknown(NUMBER) : integer(isStart ? 1 : 0)],
    ["access_url", text(access_url)],
    ["access_port", access_url === undefined ? unknown(NUMBER) : integer(portOf(access_url))],
    ["template_id", text(facts.template_id)],
    ["template_name", text(facts.template_name)],
    ["template_version", text(facts.template_version)],
    ["is_prebuild", bool(false)],
    ["prebuild_count", integer(0)],
    ["is_prebuild_claim", unknown(BOOL)],
  ]);
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  return port !== "" ? Number(port) : protocol === "https:" ? 443 : 80;
}
