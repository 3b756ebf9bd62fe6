import type { Limits } from "../evaluate/budget.ts";
import type { PlanData } from "./plan-data.ts";

/** What is known when a template is evaluated. Whatever is left out is unknown. */
export type EvaluationInputs = {
  /** Variables of the root module as text, as `TF_VAR_name` gives them. */
  variables?: Readonly<Record<string, string>>;
  /** Values of parameters by the names that people see. */
  inputs?: Readonly<Record<string, string>>;
  owner?: WorkspaceOwner;
  workspace?: WorkspaceFacts;
  /** What a plan of the template read from data sources; without it they are unknown. */
  planData?: PlanData;
  limits?: Partial<Limits>;
};

/** `data.coder_workspace_owner`, without what an evaluation may never see: private key, session and OIDC token. */
export type WorkspaceOwner = {
  id: string;
  name: string;
  full_name: string;
  email: string;
  ssh_public_key: string;
  groups: readonly string[];
  login_type: string;
  rbac_roles: readonly { name: string; org_id: string }[];
};

/** `data.coder_workspace`, as far as it is known. */
export type WorkspaceFacts = {
  id?: string;
  name?: string;
  transition?: "start" | "stop" | "destroy";
  access_url?: string;
  template_id?: string;
  template_name?: string;
  template_version?: string;
};
