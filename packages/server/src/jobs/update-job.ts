import type { TemplateVariable } from "@slipway/proto/provisioner";
import type { Deps } from "../deps.ts";
import {
  openVariableValues,
  readVersionVariables,
  type SealedValues,
  type VariableValue,
  writeVersionVariables,
} from "../templates/version-variables.ts";
import { type LeaseRef, lockLeasedJob } from "./lease.ts";

const MAX_README_BYTES = 1024 * 1024;

/**
 * Stores what an import read from its template's sources and answers the values of its variables: the given
 * ones, else those of the template's active version, else the defaults (provisioning.md §8.2).
 */
export async function updateJob(
  deps: Pick<Deps, "db" | "clock" | "keyring">,
  lease: LeaseRef,
  learnt: { templateVariables: readonly TemplateVariable[]; readme: Uint8Array },
): Promise<VariableValue[]> {
  return deps.db.transaction().execute(async (tx) => {
    const job = await lockLeasedJob(tx, lease);
    const version = await tx
      .selectFrom("template_versions as version")
      .leftJoin("templates as template", "template.id", "version.template_id")
      .select(["version.id", "template.active_version_id"])
      .where("version.job_id", "=", job.id)
      .executeTakeFirstOrThrow();
    const given = givenValues(deps, version.id, job.input.user_variable_values);
    const active = new Map<string, string>();
    if (version.active_version_id !== null && version.active_version_id !== version.id) {
      const variables = await readVersionVariables(tx, deps.keyring, version.active_version_id);
      for (const { name, value } of variables) active.set(name, value);
    }
    const variables = learnt.templateVariables.map((variable) => ({
      name: variable.name,
      description: variable.description,
      type: variable.type,
      value: given.get(variable.name) ?? active.get(variable.name) ?? variable.defaultValue,
      defaultValue: variable.defaultValue,
      required: variable.required,
      sensitive: variable.sensitive,
    }));
    await writeVersionVariables(tx, deps.keyring, version.id, variables);
    await tx
      .updateTable("template_versions")
      .set({
        readme: Buffer.from(learnt.readme)
          .subarray(0, MAX_README_BYTES)
          .toString("utf8")
          .replaceAll("\0", ""),
        updated_at: deps.clock.now(),
      })
      .where("id", "=", version.id)
      .execute();
    return usedVariables(variables);
  });
}

/**
 * What a run is given (provisioning.md §1.7): values that were chosen. A default is left to Terraform itself, which
 * knows its type; as text, a list without a declared type would become a string.
 */
export function usedVariables(
  variables: readonly { name: string; value: string; defaultValue: string; required: boolean }[],
): VariableValue[] {
  return variables
    .filter(({ value, defaultValue, required }) => required || (value !== "" && value !== defaultValue))
    .map(({ name, value }) => ({ name, value }));
}

/** The values that came with a version or a dry run, by name. */
export function givenValues(
  deps: Pick<Deps, "keyring">,
  versionId: string,
  sealed: unknown,
): Map<string, string> {
  if (sealed === undefined || sealed === null) return new Map();
  // Written by `sealVariableValues`, and authenticated when it is opened.
  const values = openVariableValues(deps.keyring, versionId, sealed as SealedValues);
  return new Map(values.map(({ name, value }) => [name, value]));
}
