import { randomUUID } from "node:crypto";
import type { Diagnostic, Preset, RichParameter } from "@slipway/proto/provisioner";
import type { CompleteJobRequest_TemplateImport } from "@slipway/proto/provisionerd";
import type { Tx } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { storeModuleFiles } from "./module-files.ts";
import { ResourceError, storeResources } from "./store-resources.ts";

/** Stores what an import learnt of its template version (provisioning.md §1.12). */
export async function completeImport(
  tx: Tx,
  deps: Deps,
  job: ProvisionerJobRow,
  result: CompleteJobRequest_TemplateImport,
): Promise<void> {
  const now = deps.clock.now();
  const { id, template_id, created_by } = await tx
    .selectFrom("template_versions")
    .select(["id", "template_id", "created_by"])
    .where("job_id", "=", job.id)
    .executeTakeFirstOrThrow();
  requireConfiguredAuth(result);
  await storeResources(tx, { jobId: job.id, transition: "start", resources: result.startResources, now });
  await storeResources(tx, { jobId: job.id, transition: "stop", resources: result.stopResources, now });
  await storeParameters(tx, id, result.richParameters);
  for (const [position, preset] of result.presets.entries()) await storePreset(tx, id, preset, position);
  await storeModuleFiles(tx, { id, createdBy: created_by, now }, result.moduleFiles);
  await tx
    .updateTable("template_versions")
    .set({
      lock_file: result.lockFile,
      plan: result.plan.byteLength > 0 ? result.plan : null,
      warnings: JSON.stringify(result.warnings.map(toWarning)),
      external_auth: JSON.stringify(
        result.externalAuthProviders.map((provider) => ({ id: provider.id, optional: provider.optional })),
      ),
      has_external_agent: result.hasExternalAgent,
      updated_at: now,
    })
    .where("id", "=", id)
    .execute();
  if (template_id !== null) await deps.events.publish(tx, "template", template_id);
}

// No deployment can configure providers yet, so that each required one is missing.
function requireConfiguredAuth({ externalAuthProviders }: CompleteJobRequest_TemplateImport): void {
  const missing = externalAuthProviders.filter(({ optional }) => !optional).map(({ id }) => id);
  if (missing.length === 0) return;
  throw new ResourceError(
    `The template requires the external authentication ${missing.join(", ")}, which this deployment does not have. Ask an administrator to configure it, or mark it optional.`,
  );
}

async function storeParameters(
  tx: Tx,
  versionId: string,
  parameters: readonly RichParameter[],
): Promise<void> {
  if (parameters.length === 0) return;
  const rows = parameters.map((parameter, position) => ({
    template_version_id: versionId,
    name: parameter.name,
    display_name: parameter.displayName,
    description: parameter.description,
    type: parameter.type,
    form_type: parameter.formType,
    mutable: parameter.mutable,
    default_value: parameter.defaultValue,
    icon: parameter.icon,
    options: JSON.stringify(
      parameter.options.map(({ name, description, value, icon }) => ({ name, description, value, icon })),
    ),
    validation_regex: parameter.validationRegex,
    validation_error: parameter.validationError,
    validation_min: parameter.validationMin ?? null,
    validation_max: parameter.validationMax ?? null,
    validation_monotonic: parameter.validationMonotonic,
    required: parameter.required,
    ephemeral: parameter.ephemeral,
    display_order: parameter.order,
    position,
  }));
  await tx.insertInto("template_version_parameters").values(rows).execute();
}

async function storePreset(tx: Tx, versionId: string, preset: Preset, position: number): Promise<void> {
  const id = randomUUID();
  const { prebuild } = preset;
  await tx
    .insertInto("template_version_presets")
    .values({
      id,
      template_version_id: versionId,
      name: preset.name,
      description: preset.description,
      icon: preset.icon,
      is_default: preset.default,
      desired_instances: prebuild?.instances ?? null,
      prebuild:
        prebuild === undefined
          ? null
          : JSON.stringify({
              instances: prebuild.instances,
              expiration_ttl_seconds: prebuild.expirationTtlSeconds,
              scheduling: prebuild.schedulingJson === "" ? null : JSON.parse(prebuild.schedulingJson),
            }),
      position,
    })
    .execute();
  const values = new Map(preset.parameters.map(({ name, value }) => [name, value]));
  if (values.size > 0) {
    const rows = [...values].map(([name, value]) => ({ preset_id: id, name, value }));
    await tx.insertInto("template_version_preset_parameters").values(rows).execute();
  }
}

function toWarning({ summary, detail, file, line }: Diagnostic): string {
  const place = file === "" ? "" : `${file}:${line}: `;
  return `${place}${summary}${detail === "" ? "" : `: ${detail}`}`;
}
