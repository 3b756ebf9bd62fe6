import { jobs } from "@slipway/api";
import { sql } from "kysely";
import { requireAccess } from "../access/authorize.ts";
import type { Deps } from "../deps.ts";
import { notFound } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { registerRoute } from "../http/register-route.ts";
import { findOrganization } from "../organizations/find-organization.ts";
import { findUser } from "../users/find-user.ts";
import { toApiJobs } from "./to-api-jobs.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;

/** Lists jobs of an organization, and shows one (provisioning.md §3.4). */
export function registerJobRoutes(app: App, deps: Deps): void {
  const { db } = deps;

  registerRoute(app, jobs.getJobs, async ({ auth, params, query }) => {
    const organization = await findOrganization(db, auth.subject, params.organization);
    requireAccess(auth.subject, "read", { type: "provisioner_jobs", organizationId: organization.id });
    let found = db
      .selectFrom("provisioner_jobs")
      .selectAll()
      .where("organization_id", "=", organization.id)
      .orderBy("created_at", "desc")
      .orderBy("id")
      .limit(Math.min(query.limit && query.limit > 0 ? query.limit : DEFAULT_LIMIT, MAX_LIMIT));
    if (query.ids?.length) found = found.where("id", "in", query.ids);
    const statuses = query.status?.filter((status) => status !== "unknown");
    if (query.status?.length)
      found = found
        .where("status", "in", statuses?.length ? statuses : ["pending"])
        .where(sql<boolean>`${Boolean(statuses?.length)}`);
    if (query.tags !== undefined)
      found = found.where(sql<boolean>`tags @> ${JSON.stringify(query.tags)}::jsonb`);
    if (query.initiator) {
      const initiator = await findUser(db, auth, query.initiator);
      found = found.where("initiator_id", "=", initiator.id);
    }
    const rows = await found.execute();
    const apiJobs = await toApiJobs(db, rows);
    return { status: 200, body: rows.flatMap((row) => apiJobs.get(row.id) ?? []) };
  });

  registerRoute(app, jobs.getJob, async ({ auth, params }) => {
    const organization = await findOrganization(db, auth.subject, params.organization);
    requireAccess(auth.subject, "read", { type: "provisioner_jobs", organizationId: organization.id });
    const row = await db
      .selectFrom("provisioner_jobs")
      .selectAll()
      .where("id", "=", params.job)
      .where("organization_id", "=", organization.id)
      .executeTakeFirst();
    const job = row && (await toApiJobs(db, [row])).get(row.id);
    if (job === undefined) throw notFound();
    return { status: 200, body: job };
  });
}
