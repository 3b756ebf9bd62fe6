import { randomUUID } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import type { RegisterRequest } from "@slipway/proto/provisionerd";
import { sql } from "kysely";
import type { Db, Tx } from "../db/db.ts";
import type { ProvisionerDaemonRow } from "../db/schema.ts";
import { type DaemonIdentity, daemonTags } from "./daemon-identity.ts";
import { daemonVersionProblem } from "./daemon-version.ts";
import { daemonNameProblem } from "./serve-query.ts";

const KNOWN_PROVISIONERS = ["terraform", "echo"];
const ATTEMPTS = 5;

/**
 * Writes down who connects. A process that comes back has its row by its instance; one that was started anew takes over
 * the row of the same name and owner, and with it its jobs, unless that is another key's: then the older one is renamed,
 * for what one key leases is nothing to another.
 */
export async function registerDaemon(
  db: Db,
  identity: DaemonIdentity,
  request: RegisterRequest,
): Promise<ProvisionerDaemonRow> {
  checkRequest(request);
  const tags = daemonTags(identity, request.tags);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const row = await db.transaction().execute(async (tx) => {
      const known = await rowOfInstance(tx, identity, request, tags);
      if (known !== undefined) return known;
      await moveOthersAside(tx, identity, request.name, tags);
      return upsert(tx, identity, request, tags);
    });
    if (row !== undefined) return row;
  }
  throw new ConnectError("Several daemons take this name at once. Try again.", Code.Unavailable);
}

async function rowOfInstance(
  tx: Tx,
  identity: DaemonIdentity,
  request: RegisterRequest,
  tags: Record<string, string>,
): Promise<ProvisionerDaemonRow | undefined> {
  return tx
    .updateTable("provisioner_daemons")
    .set({
      version: shortVersion(request),
      api_version: request.apiVersion,
      provisioners: request.provisioners,
      tags: JSON.stringify(tags),
      last_seen_at: sql<Date>`now()`,
    })
    .where("organization_id", "=", identity.organizationId)
    .where("key_id", "=", identity.keyId)
    .where("instance_id", "=", instanceOf(request))
    .where(sql<boolean>`coalesce(tags ->> 'owner', '') = ${tags.owner ?? ""}`)
    .returningAll()
    .executeTakeFirst();
}

async function moveOthersAside(
  tx: Tx,
  identity: DaemonIdentity,
  name: string,
  tags: Record<string, string>,
): Promise<void> {
  await tx
    .updateTable("provisioner_daemons")
    .set({ name: sql<string>`left(name, 55) || '-' || left(id::text, 8)` })
    .where("organization_id", "=", identity.organizationId)
    .where(sql<boolean>`lower(name) = lower(${name}::text)`)
    .where(sql<boolean>`coalesce(tags ->> 'owner', '') = ${tags.owner ?? ""}`)
    .where("key_id", "<>", identity.keyId)
    .execute();
}

async function upsert(
  tx: Tx,
  identity: DaemonIdentity,
  request: RegisterRequest,
  tags: Record<string, string>,
): Promise<ProvisionerDaemonRow | undefined> {
  const { rows } = await sql<ProvisionerDaemonRow>`
    insert into provisioner_daemons
      (id, organization_id, key_id, owner_id, name, version, api_version, provisioners, tags, instance_id, created_at, last_seen_at)
    values (${randomUUID()}, ${identity.organizationId}, ${identity.keyId}, ${tags.owner || null}, ${request.name},
      ${shortVersion(request)}, ${request.apiVersion}, ${request.provisioners}, ${JSON.stringify(tags)},
      ${instanceOf(request)}, now(), now())
    on conflict (organization_id, lower(name), coalesce(tags ->> 'owner', '')) do update set
      name = excluded.name, version = excluded.version, api_version = excluded.api_version,
      provisioners = excluded.provisioners, tags = excluded.tags, instance_id = excluded.instance_id,
      last_seen_at = excluded.last_seen_at
    where provisioner_daemons.key_id = excluded.key_id
    returning *`.execute(tx);
  return rows[0];
}

const instanceOf = (request: RegisterRequest) => request.instanceId.slice(0, 128);
const shortVersion = (request: RegisterRequest) => request.version.slice(0, 256);

function checkRequest({ name, version, apiVersion, provisioners, tags }: RegisterRequest): void {
  const refuse = (message: string) => new ConnectError(message, Code.InvalidArgument);
  const problem = daemonNameProblem(name) ?? daemonVersionProblem(apiVersion, version.slice(0, 64));
  if (problem !== null) throw refuse(problem);
  if (provisioners.length === 0 || provisioners.some((each) => !KNOWN_PROVISIONERS.includes(each))) {
    throw refuse(`A daemon runs at least one of ${KNOWN_PROVISIONERS.join(", ")}, and nothing else.`);
  }
  for (const [key, value] of Object.entries(tags)) {
    if (`${key}${value}`.includes("\0"))
      throw refuse(`The tag ${JSON.stringify(key)} holds a NUL character.`);
  }
}
