import { authorize, type Subject } from "../access/authorize.ts";
import { grantFor } from "../access/grant.ts";
import type { DaemonGround, Verdict } from "../connections/live-access.ts";
import type { Deps } from "../deps.ts";
import { loadKeyWithUser } from "../tokens/load-key.ts";
import { touchKey } from "../tokens/touch-key.ts";
import { judgeProvisionerKey } from "./judge-provisioner-key.ts";

/** Looks again at the credential with which a daemon was let in. */
export async function judgeDaemon(
  deps: Pick<Deps, "db" | "clock" | "config">,
  ground: DaemonGround,
): Promise<Verdict> {
  const { db, clock } = deps;
  if (ground.by === "key") {
    const key = await db
      .selectFrom("provisioner_keys")
      .selectAll()
      .where("id", "=", ground.provisionerKeyId)
      .executeTakeFirst();
    return judgeProvisionerKey(key, ground.hashedSecret, clock.now());
  }
  const found = await loadKeyWithUser(db, ground.keyId);
  if (!found || found.user.id !== ground.userId) return { why: "The session of its user was ended." };
  if (found.key.expires_at <= clock.now()) return { why: "The session of its user has expired." };
  if (found.user.deleted) return { why: "The account of its user was deleted." };
  if (found.user.status === "suspended") return { why: "The account of its user was suspended." };
  const subject: Subject = {
    userId: found.user.id,
    siteRoles: [...found.user.roles, "member"],
    organizations: found.organizations,
    scopes: found.key.scopes,
    allowList: found.key.allow_list,
  };
  if (!mayServe(subject, ground.organizationId, ground)) {
    return { why: "Its user may not run provisioner daemons in this organization any more." };
  }
  // An open connection is use of a session: it slides, as by requests.
  await touchKey(deps, found.key, found.user, found.key.ip_address ?? "");
  return { why: null, until: found.key.expires_at };
}

/**
 * Whether a user's token may run daemons in the organization (provisioning.md §3.1): those that serve only the user
 * anybody who belongs to it, all others who may create them. A token with narrower scopes runs none.
 */
export function mayServe(
  subject: Subject,
  organizationId: string,
  { isUserScoped }: { isUserScoped: boolean },
): boolean {
  if (authorize(subject, "create", { type: "provisioner_daemon", organizationId })) return true;
  if (!isUserScoped || !subject.organizations.has(organizationId)) return false;
  return grantFor(subject, "create", "provisioner_daemon")?.ids === "*";
}
