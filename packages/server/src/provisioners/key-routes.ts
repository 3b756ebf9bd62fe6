import { randomUUID } from "node:crypto";
import { daemons, nilUuid, provisionerKeys, zeroTime } from "@slipway/api";
import { requireAccess } from "../access/authorize.ts";
import { auditDiff, provisionerKeyRules } from "../audit/diff.ts";
import type { Tx } from "../db/db.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { OrganizationRow, ProvisionerKeyRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError, invalidField, notFound } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import type { Auth } from "../http/auth.ts";
import { registerRoute } from "../http/register-route.ts";
import { findOrganization } from "../organizations/find-organization.ts";
import { authenticateProvisionerKey } from "./authenticate-provisioner-key.ts";
import { listDaemons } from "./list-daemons.ts";
import { newProvisionerKeySecret } from "./provisioner-key-secret.ts";
import { toApiProvisionerKey } from "./to-api-provisioner-key.ts";

type Request = { auth: Auth; ip: string; userAgent: string; requestId: string };

/** Which daemons count as using a key (provisioning.md §3.4). */
const seenWithinMs = 3 * 60_000;
const reservedNames: readonly string[] = Object.keys(daemons.reservedProvisionerKeyNames);

/** Keys with which daemons join an organization (provisioning.md §3.4). */
export function registerProvisionerKeyRoutes(app: App, deps: Deps): void {
  const { db, clock, audit, events } = deps;

  registerRoute(app, provisionerKeys.createProvisionerKey, async (req) => {
    const { auth, body } = req;
    const organization = await organizationFor(auth, "create", req.params.organization);
    const { text, hashedSecret } = newProvisionerKeySecret();
    const now = clock.now();
    await db.transaction().execute(async (tx) => {
      const row = await tx
        .insertInto("provisioner_keys")
        .values({
          id: randomUUID(),
          organization_id: organization.id,
          name: body.name,
          tags: JSON.stringify(body.tags),
          hashed_secret: hashedSecret,
          created_by: auth.user.id,
          created_at: now,
          expires_at: after(now, body.lifetime_ms),
        })
        .returningAll()
        .executeTakeFirstOrThrow()
        .catch((err: unknown) => {
          throw nameTaken(err, body.name) ?? err;
        });
      await record(tx, req, "create", null, row, 201);
    });
    return { status: 201, body: { key: text } };
  });

  registerRoute(app, provisionerKeys.getProvisionerKeys, async ({ auth, params }) => {
    const organization = await organizationFor(auth, "read", params.organization);
    return { status: 200, body: (await keysOf(organization)).map(toApiProvisionerKey) };
  });

  registerRoute(app, provisionerKeys.getProvisionerKeyDaemons, async ({ auth, params }) => {
    const organization = await organizationFor(auth, "read", params.organization);
    const connected = await listDaemons(db, organization.id, {
      maxAgeMs: seenWithinMs,
      withOffline: true,
      limit: null,
    });
    const keys = [...reservedKeys(organization), ...(await keysOf(organization)).map(toApiProvisionerKey)];
    const body = keys.map((key) => ({ key, daemons: connected.filter(({ key_id }) => key_id === key.id) }));
    return { status: 200, body };
  });

  registerRoute(app, provisionerKeys.rotateProvisionerKey, async (req) => {
    const { auth, params, body } = req;
    const organization = await organizationFor(auth, "update", params.organization);
    const { text, hashedSecret } = newProvisionerKeySecret();
    await db.transaction().execute(async (tx) => {
      const before = await lockKey(tx, organization, params.provisionerkey, "rotated");
      const now = clock.now();
      if (!body.lifetime_ms && before.expires_at !== null && before.expires_at <= now) {
        throw invalidField(
          "lifetime_ms",
          "is required, for the key has expired: how long is it to be good from now on?",
          `The provisioner key "${before.name}" expired at ${before.expires_at.toISOString()}.`,
        );
      }
      // The secret of before never outlives what it was made for.
      const ends = [after(now, body.overlap_ms), before.expires_at].filter((each) => each !== null);
      const overlap = new Date(Math.min(...ends.map((each) => each.getTime())));
      const isOver = overlap <= now;
      const row = await tx
        .updateTable("provisioner_keys")
        .set({
          hashed_secret: hashedSecret,
          previous_hashed_secret: isOver ? null : before.hashed_secret,
          previous_expires_at: isOver ? null : overlap,
          expires_at: after(now, body.lifetime_ms) ?? before.expires_at,
        })
        .where("id", "=", before.id)
        .returningAll()
        .executeTakeFirstOrThrow();
      await record(tx, req, "write", before, row, 200);
      await events.publish(tx, "provisioner_key", row.id);
    });
    return { status: 200, body: { key: text } };
  });

  registerRoute(app, provisionerKeys.deleteProvisionerKey, async (req) => {
    const { auth, params } = req;
    const organization = await organizationFor(auth, "delete", params.organization);
    await db.transaction().execute(async (tx) => {
      const row = await lockKey(tx, organization, params.provisionerkey, "deleted");
      await tx.deleteFrom("provisioner_keys").where("id", "=", row.id).execute();
      await record(tx, req, "delete", row, null, 204);
      await events.publish(tx, "provisioner_key", row.id);
    });
    return { status: 204 };
  });

  registerRoute(app, provisionerKeys.getProvisionerKey, async ({ raw }) => {
    const { key } = await authenticateProvisionerKey(deps, raw.raw);
    return { status: 200, body: toApiProvisionerKey(key) };
  });

  async function organizationFor(
    auth: Auth,
    action: "create" | "read" | "update" | "delete",
    named: string,
  ): Promise<OrganizationRow> {
    const organization = await findOrganization(db, auth.subject, named);
    requireAccess(auth.subject, action, { type: "provisioner_daemon", organizationId: organization.id });
    return organization;
  }

  async function keysOf(organization: OrganizationRow): Promise<ProvisionerKeyRow[]> {
    return db
      .selectFrom("provisioner_keys")
      .selectAll()
      .where("organization_id", "=", organization.id)
      .orderBy("created_at")
      .orderBy("name")
      .execute();
  }

  async function lockKey(tx: Tx, organization: OrganizationRow, name: string, verb: string) {
    if (reservedNames.includes(name.toLowerCase())) {
      throw new ApiError("bad_request", `The key "${name}" is the product's own: it cannot be ${verb}.`);
    }
    const row = await tx
      .selectFrom("provisioner_keys")
      .selectAll()
      .where("organization_id", "=", organization.id)
      .where((eb) => eb(eb.fn("lower", ["name"]), "=", name.toLowerCase()))
      .forUpdate()
      .executeTakeFirst();
    if (!row) throw notFound();
    return row;
  }

  async function record(
    tx: Tx,
    req: Request,
    action: "create" | "write" | "delete",
    before: ProvisionerKeyRow | null,
    row: ProvisionerKeyRow | null,
    statusCode: number,
  ): Promise<void> {
    const key = row ?? before;
    await audit.record(tx, {
      action,
      resourceType: "provisioner_key",
      resourceId: key?.id ?? "",
      resourceTarget: key?.name ?? "",
      organizationId: key?.organization_id,
      userId: req.auth.user.id,
      diff: auditDiff(provisionerKeyRules, before, row),
      statusCode,
      request: req,
    });
  }
}

function after(now: Date, ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(now.getTime() + ms);
}

/** The records that every deployment has: those of the server's own daemons and of the PSK in the default organization. */
function reservedKeys(organization: OrganizationRow): provisionerKeys.ProvisionerKey[] {
  const { userAuth, builtIn, psk } = daemons.reservedProvisionerKeyIds;
  const ids: string[] = organization.is_default ? [builtIn, userAuth, psk] : [userAuth];
  return Object.entries(daemons.reservedProvisionerKeyNames)
    .filter(([, id]) => ids.includes(id))
    .map(([name, id]) => ({ id, created_at: zeroTime, organization: nilUuid, name, tags: {} }));
}

function nameTaken(err: unknown, name: string): ApiError | null {
  if (!isUniqueViolation(err, "provisioner_keys_name")) return null;
  return new ApiError("conflict", `A provisioner key named "${name}" already exists in this organization.`, {
    validations: [{ field: "name", detail: "This value is already in use and should be unique." }],
    cause: err,
  });
}
