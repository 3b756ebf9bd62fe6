import { randomUUID } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import type { RegisterRequest } from "@slipway/proto/provisionerd";
import { sql } from "kysely";
import type { Db } from "../db/db.ts";
import type { ProvisionerDaemonRow } from "../db/schema.ts";
import { type DaemonIdentity, daemonTags } from "./daemon-identity.ts";

/** The newest version of the daemons' protocol (provisioning.md §1.5) that this server speaks. */
export const daemonApiVersion = "1.18";
const KNOWN_PROVISIONERS = ["terraform", "echo"];
const hostname = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?$/;

/** Writes down who connects. A daemon of the same name and owner takes over the row, and with it its jobs. */
export async function registerDaemon(
  db: Db,
  identity: DaemonIdentity,
  request: RegisterRequest,
): Promise<ProvisionerDaemonRow> {
  checkRequest(request);
  const tags = daemonTags(identity, request.tags);
  const { rows } = await sql<ProvisionerDaemonRow>`
    insert into provisioner_daemons
      (id, organization_id, key_id, owner_id, name, version, api_version, provisioners, tags, instance_id, created_at, last_seen_at)
    values (${randomUUID()}, ${identity.organizationId}, ${identity.keyId}, ${tags.owner || null}, ${request.name},
      ${request.version.slice(0, 256)}, ${request.apiVersion}, ${request.provisioners}, ${JSON.stringify(tags)},
      ${request.instanceId.slice(0, 128)}, now(), now())
    on conflict (organization_id, lower(name), coalesce(tags ->> 'owner', '')) do update set
      key_id = excluded.key_id, name = excluded.name, version = excluded.version, api_version = excluded.api_version,
      provisioners = excluded.provisioners, tags = excluded.tags, instance_id = excluded.instance_id,
      last_seen_at = excluded.last_seen_at
    returning *`.execute(db);
  // An upsert always returns its row.
  return rows[0]!;
}

function checkRequest({ name, apiVersion, provisioners, tags }: RegisterRequest): void {
  const refuse = (message: string) => new ConnectError(message, Code.InvalidArgument);
  if (!hostname.test(name)) {
    throw refuse(
      `"${name.slice(0, 80)}" is not a valid name: use at most 64 letters, digits and inner dashes.`,
    );
  }
  const [major, minor] = apiVersion.split(".").map(Number);
  const [ownMajor = 1, ownMinor = 0] = daemonApiVersion.split(".").map(Number);
  if (major !== ownMajor || minor === undefined || !Number.isInteger(minor) || minor > ownMinor) {
    throw refuse(
      `The daemon speaks version ${apiVersion}, this server ${daemonApiVersion}. Update the older one.`,
    );
  }
  if (provisioners.length === 0 || provisioners.some((each) => !KNOWN_PROVISIONERS.includes(each))) {
    throw refuse(`A daemon runs at least one of ${KNOWN_PROVISIONERS.join(", ")}, and nothing else.`);
  }
  for (const [key, value] of Object.entries(tags)) {
    if (`${key}${value}`.includes("\0"))
      throw refuse(`The tag ${JSON.stringify(key)} holds a NUL character.`);
  }
}
