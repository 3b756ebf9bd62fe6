import { authorize, type Subject } from "../access/authorize.ts";
import { grantFor } from "../access/grant.ts";
import type { DaemonGround, Verdict } from "../connections/live-access.ts";
import type { Deps } from "../deps.ts";
import { subjectOf, whoStill } from "../tokens/account-of-key.ts";
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
  const still = whoStill(await loadKeyWithUser(db, ground.keyId), ground.userId, clock.now());
  if ("was" in still) return { why: `The ${still.what} of its user ${still.was}.` };
  const { key, user } = still;
  if (!mayServe(subjectOf(still, deps.config), ground.organizationId, ground)) {
    return { why: "Its user may not run provisioner daemons in this organization any more." };
  }
  // An open connection is use of a session: it slides, as by requests.
  await touchKey(deps, key, user, key.ip_address ?? "");
  return { why: null, until: key.expires_at };
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
