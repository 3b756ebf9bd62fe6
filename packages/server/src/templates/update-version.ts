import type { Subject } from "../access/authorize.ts";
import type { AuditEntry } from "../audit/audit.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { TemplateVersionRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { versionNameIsTaken } from "./create-version.ts";

/** Changes the name or the message of a version; what is absent stays. */
export async function updateVersion(
  deps: Deps,
  input: {
    subject: Subject;
    version: TemplateVersionRow;
    body: { name?: string | undefined; message?: string | undefined };
    origin: AuditEntry["request"];
  },
): Promise<TemplateVersionRow> {
  const { subject, version, body, origin } = input;
  const name = body.name || version.name;
  const message = body.message ?? version.message;
  return deps.db.transaction().execute(async (tx) => {
    const row = await tx
      .updateTable("template_versions")
      .set({ name, message, updated_at: deps.clock.now() })
      .where("id", "=", version.id)
      .returningAll()
      .executeTakeFirstOrThrow()
      .catch((error: unknown) => {
        throw isUniqueViolation(error, "template_versions_name") ? versionNameIsTaken(name) : error;
      });
    await deps.audit.record(tx, {
      action: "write",
      resourceType: "template_version",
      resourceId: row.id,
      resourceTarget: row.name,
      organizationId: row.organization_id,
      statusCode: 200,
      userId: subject.userId,
      request: origin,
      diff: name === version.name ? {} : { name: { old: version.name, new: name, secret: false } },
    });
    return row;
  });
}
