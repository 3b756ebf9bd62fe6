import type { templates } from "@slipway/api";
import type { AuditDiff } from "../db/schema/columns.ts";
import type { TemplateRow } from "../db/schema.ts";
import { invalidField } from "../http/api-error.ts";

type Requested = Omit<templates.UpdateTemplateMeta, "name" | "deprecation_message">;
type Columns = Partial<Omit<TemplateRow, "id" | "created_at">>;

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** The columns that a request sets, checked; what it leaves out is not among them. */
export function templateColumns(requested: Requested): Columns {
  checkDurations(requested);
  const { autostop_requirement: autostop, autostart_requirement: autostart } = requested;
  const columns: { [K in keyof Columns]: Columns[K] | undefined } = {
    display_name: requested.display_name,
    description: requested.description,
    icon: requested.icon,
    default_ttl_ms: requested.default_ttl_ms,
    activity_bump_ms: requested.activity_bump_ms,
    time_til_autostop_notify_ms: requested.time_til_autostop_notify_ms,
    autostop_requirement_days_of_week: autostop?.days_of_week,
    autostop_requirement_weeks: autostop ? Math.max(1, autostop.weeks) : undefined,
    autostart_requirement_days_of_week: autostart?.days_of_week,
    allow_user_autostart: requested.allow_user_autostart,
    allow_user_autostop: requested.allow_user_autostop,
    allow_user_cancel_workspace_jobs: requested.allow_user_cancel_workspace_jobs,
    allow_workspace_renames: requested.allow_workspace_renames,
    failure_ttl_ms: requested.failure_ttl_ms,
    time_til_dormant_ms: requested.time_til_dormant_ms,
    time_til_dormant_autodelete_ms: requested.time_til_dormant_autodelete_ms,
    require_active_version: requested.require_active_version,
    max_port_share_level: requested.max_port_share_level,
    cors_behavior: requested.cors_behavior,
    use_classic_parameter_flow: requested.use_classic_parameter_flow,
    disable_module_cache: requested.disable_module_cache,
    agents_allowed: requested.agents_allowed,
    everyone_may_use:
      requested.disable_everyone_group_access === undefined
        ? undefined
        : !requested.disable_everyone_group_access,
  };
  // Only entries with a value remain, each of the type of its column.
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)) as Columns;
}

/** Zero switches a rule off; anything shorter than a minute is a mistake in the unit. */
function checkDurations(requested: Requested): void {
  const fields = [
    "default_ttl_ms",
    "failure_ttl_ms",
    "time_til_dormant_ms",
    "time_til_dormant_autodelete_ms",
  ] as const;
  for (const field of fields) {
    const value = requested[field];
    if (value && value < minuteMs) {
      throw invalidField(field, `${field} must be 0 (off) or at least ${minuteMs} (1 minute), got ${value}.`);
    }
  }
  const ttlMs = requested.default_ttl_ms ?? 0;
  if (ttlMs > 30 * dayMs) {
    throw invalidField(
      "default_ttl_ms",
      `default_ttl_ms must be at most ${30 * dayMs} (30 days), got ${ttlMs}.`,
    );
  }
}

const auditedColumns = [
  "name",
  "display_name",
  "description",
  "icon",
  "active_version_id",
  "deleted",
  "deprecated",
  "default_ttl_ms",
  "activity_bump_ms",
  "time_til_autostop_notify_ms",
  "autostop_requirement_days_of_week",
  "autostop_requirement_weeks",
  "autostart_requirement_days_of_week",
  "allow_user_autostart",
  "allow_user_autostop",
  "allow_user_cancel_workspace_jobs",
  "allow_workspace_renames",
  "failure_ttl_ms",
  "time_til_dormant_ms",
  "time_til_dormant_autodelete_ms",
  "require_active_version",
  "max_port_share_level",
  "cors_behavior",
  "use_classic_parameter_flow",
  "disable_module_cache",
  "agents_allowed",
  "everyone_may_use",
] as const satisfies readonly (keyof TemplateRow)[];

/** What an audit entry shows of a change to a template (access.md 9.1). */
export function templateDiff(before: Partial<TemplateRow>, after: Partial<TemplateRow>): AuditDiff {
  const diff: AuditDiff = {};
  for (const column of auditedColumns) {
    if (after[column] === undefined || JSON.stringify(before[column]) === JSON.stringify(after[column]))
      continue;
    diff[column] = { old: before[column], new: after[column], secret: false };
  }
  return diff;
}
