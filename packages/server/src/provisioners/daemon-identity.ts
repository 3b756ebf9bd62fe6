import { normalizeTags } from "@slipway/template";
import type { DaemonGround } from "../connections/live-access.ts";

/** As whom a daemon was let in: decided before its session begins, never by what it says of itself. */
export type DaemonIdentity = {
  organizationId: string;
  /** One of the reserved keys of provisioning.md §3.1, or a scoped key. */
  keyId: string;
  /** Set: the user whose token it used; only then its tags may have user scope. */
  userId: string | null;
  /** Set: the tags with which it was let in, whatever it asks for later. */
  tags?: Readonly<Record<string, string>>;
  /** Set: what can be withdrawn, and its connection with it. */
  ground?: DaemonGround;
};

/** The tags under which a daemon takes jobs (provisioning.md §2.4). */
export function daemonTags(
  identity: DaemonIdentity,
  asked: Readonly<Record<string, string>>,
): Record<string, string> {
  const tags = identity.tags ?? asked;
  return identity.userId === null
    ? normalizeTags("", { ...tags, scope: "organization" })
    : normalizeTags(identity.userId, tags);
}
