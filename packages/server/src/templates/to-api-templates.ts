import type { templates } from "@slipway/api";
import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import type { TemplateRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";

const statsWindowMs = 30 * 24 * 60 * 60 * 1000;

/** Templates as the API shows them, in the order given: three queries, however many templates. */
export async function toApiTemplates(
  db: Db,
  deps: Pick<Deps, "clock">,
  rows: readonly TemplateRow[],
): Promise<templates.Template[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const since = new Date(deps.clock.now().getTime() - statsWindowMs);
  const [names, users, stats] = await Promise.all([
    templateNames(db, ids),
    activeUsers(db, ids, since),
    buildTimes(db, ids, since),
  ]);
  return rows.map((row) => {
    const name = names.get(row.id);
    // Foreign keys hold the organization and the creator.
    if (!name) throw new Error(`The template ${row.id} lost its organization.`);
    return {
      id: row.id,
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
      organization_id: row.organization_id,
      organization_name: name.organization_name,
      organization_display_name: name.organization_display_name || name.organization_name,
      organization_icon: name.organization_icon,
      created_by_id: row.created_by,
      created_by_name: name.created_by_name,
      active_user_count: users.get(row.id) ?? 0,
      build_time_stats: {
        start: stats.get(`${row.id} start`) ?? noStats,
        stop: stats.get(`${row.id} stop`) ?? noStats,
        delete: stats.get(`${row.id} delete`) ?? noStats,
      },
      ...settings(row),
    };
  });
}

const noStats = { P50: null, P95: null };

function settings(row: TemplateRow) {
  return {
    name: row.name,
    display_name: row.display_name,
    // These five columns are written from the API's own enumerations.
    provisioner: row.provisioner as templates.Template["provisioner"],
    max_port_share_level: row.max_port_share_level as templates.PortShareLevel,
    cors_behavior: row.cors_behavior as templates.CORSBehavior,
    autostop_requirement: {
      days_of_week: row.autostop_requirement_days_of_week as Weekdays,
      weeks: row.autostop_requirement_weeks,
    },
    autostart_requirement: { days_of_week: row.autostart_requirement_days_of_week as Weekdays },
    active_version_id: row.active_version_id,
    description: row.description,
    deprecated: row.deprecated !== "",
    deprecation_message: row.deprecated,
    deleted: row.deleted,
    icon: row.icon,
    default_ttl_ms: row.default_ttl_ms,
    activity_bump_ms: row.activity_bump_ms,
    time_til_autostop_notify_ms: row.time_til_autostop_notify_ms,
    allow_user_autostart: row.allow_user_autostart,
    allow_user_autostop: row.allow_user_autostop,
    allow_user_cancel_workspace_jobs: row.allow_user_cancel_workspace_jobs,
    failure_ttl_ms: row.failure_ttl_ms,
    time_til_dormant_ms: row.time_til_dormant_ms,
    time_til_dormant_autodelete_ms: row.time_til_dormant_autodelete_ms,
    require_active_version: row.require_active_version,
    use_classic_parameter_flow: row.use_classic_parameter_flow,
    agents_allowed: row.agents_allowed,
    disable_module_cache: row.disable_module_cache,
    module_cache_disabled_by_deployment: false,
    allow_workspace_renames: row.allow_workspace_renames,
  };
}

type Weekdays = templates.Template["autostart_requirement"]["days_of_week"];

async function templateNames(db: Db, ids: readonly string[]) {
  const names = await db
    .selectFrom("templates as t")
    .innerJoin("organizations as organization", "organization.id", "t.organization_id")
    .innerJoin("users as creator", "creator.id", "t.created_by")
    .select([
      "t.id",
      "organization.name as organization_name",
      "organization.display_name as organization_display_name",
      "organization.icon as organization_icon",
      "creator.username as created_by_name",
    ])
    .where("t.id", "in", ids)
    .execute();
  return new Map(names.map((name) => [name.id, name]));
}

/** Owners of workspaces that were used lately. */
async function activeUsers(db: Db, ids: readonly string[], since: Date): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom("workspaces")
    .select(({ fn }) => ["template_id", fn.count<number>("owner_id").distinct().as("users")])
    .where("template_id", "in", ids)
    .where("deleted", "=", false)
    .where("last_used_at", ">=", since)
    .groupBy("template_id")
    .execute();
  return new Map(rows.map((row) => [row.template_id, row.users]));
}

/** Median and 95th percentile of how long successful builds ran, by `<template> <transition>`. */
async function buildTimes(db: Db, ids: readonly string[], since: Date) {
  const { rows } = await sql<{ template_id: string; transition: string; p50: number; p95: number }>`
    select v.template_id, b.transition,
      percentile_disc(0.5) within group (order by extract(epoch from j.completed_at - j.started_at) * 1000)::float8 as p50,
      percentile_disc(0.95) within group (order by extract(epoch from j.completed_at - j.started_at) * 1000)::float8 as p95
    from template_versions v
    join workspace_builds b on b.template_version_id = v.id
    join provisioner_jobs j on j.id = b.job_id
    where v.template_id = any(${ids}::uuid[]) and j.status = 'succeeded' and b.created_at >= ${since}
    group by v.template_id, b.transition`.execute(db);
  return new Map(
    rows.map((row) => [
      `${row.template_id} ${row.transition}`,
      { P50: Math.round(row.p50), P95: Math.round(row.p95) },
    ]),
  );
}
