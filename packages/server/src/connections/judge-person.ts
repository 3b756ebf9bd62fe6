import { authorize, type Subject } from "../access/authorize.ts";
import type { Deps } from "../deps.ts";
import { subjectOf, whoStill } from "../tokens/account-of-key.ts";
import { loadKeyWithUser } from "../tokens/load-key.ts";
import type { TemplateEntry, Verdict, WorkspaceEntry } from "./live-access.ts";

/**
 * Looks again at the ground on which a person holds something open: the key, the account, the workspace or template,
 * the roles. Says why it does not hold any more in words for the person who loses access.
 */
export async function judgePerson(
  deps: Pick<Deps, "db" | "clock" | "config">,
  entry: WorkspaceEntry | TemplateEntry,
): Promise<Verdict> {
  const still = whoStill(await loadKeyWithUser(deps.db, entry.keyId), entry.userId, deps.clock.now());
  if ("was" in still) return { why: `Your ${still.what} ${still.was}.` };
  const subject = subjectOf(still, deps.config);
  const why =
    "workspaceId" in entry ? await whyNoWorkspace(deps, subject, entry) : await whyNoTemplate(subject, entry);
  return why === null ? { why, until: still.key.expires_at } : { why };
}

async function whyNoWorkspace(
  { db }: Pick<Deps, "db">,
  subject: Subject,
  { workspaceId, action }: WorkspaceEntry,
): Promise<string | null> {
  const workspace = await db
    .selectFrom("workspaces")
    .select(["id", "owner_id", "organization_id", "deleted"])
    .where("id", "=", workspaceId)
    .executeTakeFirst();
  if (!workspace || workspace.deleted) return "The workspace was deleted.";
  const object = {
    type: "workspace" as const,
    id: workspace.id,
    ownerId: workspace.owner_id,
    organizationId: workspace.organization_id,
  };
  return authorize(subject, action, object) ? null : "Your access to this workspace was withdrawn.";
}

async function whyNoTemplate(subject: Subject, entry: TemplateEntry): Promise<string | null> {
  return (await entry.isSeenBy(subject)) ? null : "Your access to this template was withdrawn.";
}
