import type { Db, Tx } from "../db/db.ts";
import { ApiError, invalidField } from "../http/api-error.ts";

/** A version that can be built, with what its import job was made of. */
export type BuildVersion = {
  id: string;
  name: string;
  templateId: string | null;
  archived: boolean;
  hasWorkspaceTags: boolean;
  provisioner: "terraform" | "echo";
  fileId: string;
  importTags: Record<string, string>;
};

/** Loads a version of the template for a build; refuses one whose import did not succeed (provisioning.md 10.2). */
export async function requireBuildVersion(
  db: Db | Tx,
  templateId: string,
  versionId: string,
): Promise<BuildVersion> {
  const row = await db
    .selectFrom("template_versions as v")
    .innerJoin("provisioner_jobs as j", "j.id", "v.job_id")
    .select([
      "v.id",
      "v.name",
      "v.template_id as templateId",
      "v.archived",
      "v.has_workspace_tags as hasWorkspaceTags",
      "j.provisioner",
      "j.file_id as fileId",
      "j.tags as importTags",
      "j.status",
      "j.error",
    ])
    .where("v.id", "=", versionId)
    .where("v.template_id", "=", templateId)
    .executeTakeFirst();
  if (!row)
    throw invalidField(
      "template_version_id",
      "template_version_id must be a version of the workspace's template.",
    );
  const { status, error, ...version } = row;
  requireImported(version.name, status, error);
  return version;
}

/** Refuses a version whose import is under way (406) or did not succeed (400). */
export function requireImported(name: string, status: string, error: string | null): void {
  if (status === "succeeded") return;
  if (status === "failed" || status === "canceled") {
    throw new ApiError(
      "bad_request",
      `The import of the template version ${name} ${status === "failed" ? "failed" : "was canceled"}. Push the template again.`,
      {
        detail: error ?? undefined,
        validations: [
          {
            field: "template_version_id",
            detail: "template_version_id must be a version whose import succeeded.",
          },
        ],
      },
    );
  }
  throw new ApiError(
    "not_acceptable",
    `The import of the template version ${name} is ${status}. Wait until it has succeeded.`,
  );
}
