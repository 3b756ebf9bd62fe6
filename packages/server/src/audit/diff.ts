import type { AuditDiff } from "../db/schema/columns.ts";
import type {
  ApiKeyRow,
  OrganizationMemberRow,
  OrganizationRow,
  ProvisionerKeyRow,
  UserRow,
} from "../db/schema.ts";

type Rule = "track" | "secret" | "ignore";
type Rules<Row> = Readonly<Record<keyof Row, Rule>>;

// A rule for every column (access.md 9.1): a new column does not compile without one.
export const userRules: Rules<UserRow> = {
  id: "track",
  username: "track",
  name: "track",
  email: "track",
  hashed_password: "secret",
  login_type: "track",
  status: "track",
  roles: "track",
  is_service_account: "track",
  is_system: "track",
  deleted: "track",
  avatar_url: "ignore",
  theme_preference: "ignore",
  terminal_font: "ignore",
  preferences: "ignore",
  created_at: "ignore",
  updated_at: "ignore",
  last_seen_at: "ignore",
};

export const apiKeyRules: Rules<ApiKeyRow> = {
  id: "ignore",
  hashed_secret: "ignore",
  user_id: "track",
  login_type: "track",
  token_name: "track",
  scopes: "track",
  allow_list: "track",
  lifetime_seconds: "track",
  expires_at: "track",
  ip_address: "ignore",
  last_used: "ignore",
  created_at: "ignore",
  updated_at: "ignore",
};

export const organizationRules: Rules<OrganizationRow> = {
  id: "ignore",
  name: "track",
  display_name: "track",
  description: "track",
  icon: "track",
  is_default: "track",
  deleted: "track",
  default_org_member_roles: "track",
  created_at: "ignore",
  updated_at: "ignore",
};

export const memberRules: Rules<OrganizationMemberRow> = {
  organization_id: "ignore",
  user_id: "track",
  roles: "track",
  created_at: "ignore",
  updated_at: "ignore",
};

export const provisionerKeyRules: Rules<ProvisionerKeyRow> = {
  id: "ignore",
  organization_id: "track",
  name: "track",
  tags: "track",
  hashed_secret: "secret",
  previous_hashed_secret: "secret",
  previous_expires_at: "track",
  expires_at: "track",
  created_by: "ignore",
  created_at: "ignore",
  last_used_at: "ignore",
};

/**
 * What changed between two versions of a row. Of secrets only the fact is told. `null` stands for the row
 * before it was made or after it was deleted.
 */
export function auditDiff<Row extends object>(
  rules: Rules<Row>,
  before: Row | null,
  after: Row | null,
): AuditDiff {
  const diff: AuditDiff = {};
  // The rules name every column of the row, and nothing else.
  for (const [column, rule] of Object.entries(rules) as [keyof Row & string, Rule][]) {
    if (rule === "ignore") continue;
    const [old, now] = [before?.[column] ?? null, after?.[column] ?? null];
    if (JSON.stringify(old) === JSON.stringify(now)) continue;
    diff[column] = rule === "secret" ? { secret: true } : { old, new: now, secret: false };
  }
  return diff;
}
