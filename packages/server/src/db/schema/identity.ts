import type { Generated } from "kysely";
import type { AuditDiff, Bytes, DefaultJson, UserPreferences } from "./columns.ts";

// Tables of 0001_identity.sql and 0009_replicas.sql.

export type SiteConfigTable = {
  key: string;
  value: string;
};

export type EncryptionKeysTable = {
  key_id: string;
  probe: Bytes;
  created_at: Generated<Date>;
  revoked_at: Date | null;
};

export type ReplicasTable = {
  id: string;
  hostname: string;
  version: string;
  started_at: Generated<Date>;
  seen_at: Generated<Date>;
};

export type UsersTable = {
  id: string;
  username: string;
  name: Generated<string>;
  email: Generated<string>;
  hashed_password: string | null;
  login_type: Generated<"password" | "github" | "oidc" | "none">;
  status: Generated<"active" | "dormant" | "suspended">;
  roles: Generated<string[]>;
  avatar_url: Generated<string>;
  theme_preference: Generated<string>;
  terminal_font: Generated<string>;
  preferences: DefaultJson<UserPreferences>;
  is_service_account: Generated<boolean>;
  is_system: Generated<boolean>;
  deleted: Generated<boolean>;
  created_at: Date;
  updated_at: Date;
  last_seen_at: Date | null;
};

export type GitSshKeysTable = {
  user_id: string;
  public_key: string;
  private_key: Bytes;
  private_key_id: string;
  created_at: Date;
  updated_at: Date;
};

export type OrganizationsTable = {
  id: string;
  name: string;
  display_name: Generated<string>;
  description: Generated<string>;
  icon: Generated<string>;
  is_default: Generated<boolean>;
  deleted: Generated<boolean>;
  default_org_member_roles: Generated<string[]>;
  created_at: Date;
  updated_at: Date;
};

export type OrganizationMembersTable = {
  organization_id: string;
  user_id: string;
  roles: Generated<string[]>;
  created_at: Date;
  updated_at: Date;
};

export type ApiKeysTable = {
  id: string;
  hashed_secret: Bytes;
  user_id: string;
  login_type: "password" | "github" | "oidc" | "token" | "none";
  token_name: Generated<string>;
  scopes: Generated<string[]>;
  allow_list: Generated<string[]>;
  lifetime_seconds: number;
  ip_address: string | null;
  last_used: Generated<Date>;
  expires_at: Date;
  created_at: Date;
  updated_at: Date;
};

export type AuditLogsTable = {
  id: string;
  time: Date;
  user_id: string | null;
  organization_id: string | null;
  ip: string | null;
  user_agent: Generated<string>;
  resource_type: string;
  resource_id: string | null;
  resource_target: Generated<string>;
  resource_icon: Generated<string>;
  action: string;
  diff: DefaultJson<AuditDiff>;
  status_code: number;
  additional_fields: DefaultJson<Record<string, unknown>>;
  request_id: string | null;
};

export type IdentityTables = {
  site_config: SiteConfigTable;
  encryption_keys: EncryptionKeysTable;
  replicas: ReplicasTable;
  users: UsersTable;
  git_ssh_keys: GitSshKeysTable;
  organizations: OrganizationsTable;
  organization_members: OrganizationMembersTable;
  api_keys: ApiKeysTable;
  audit_logs: AuditLogsTable;
};
