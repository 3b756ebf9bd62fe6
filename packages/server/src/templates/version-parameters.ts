import type { ParameterType, RichParameter } from "@slipway/template";
import type { Db, Tx } from "../db/db.ts";
import type { TemplateVersionParameterRow } from "../db/schema.ts";

/** The parameters of a version in the order in which people are asked for them. */
export async function versionParameters(db: Db | Tx, versionId: string): Promise<RichParameter[]> {
  const rows = await db
    .selectFrom("template_version_parameters")
    .selectAll()
    .where("template_version_id", "=", versionId)
    .orderBy("display_order")
    .orderBy("position")
    .execute();
  return rows.map(toRichParameter);
}

function toRichParameter(row: TemplateVersionParameterRow): RichParameter {
  const monotonic = row.validation_monotonic;
  return {
    name: row.name,
    displayName: row.display_name,
    description: row.description,
    // The import refuses every other type.
    type: row.type as ParameterType,
    formType: row.form_type,
    mutable: row.mutable,
    defaultValue: row.default_value,
    icon: row.icon,
    options: row.options,
    ...(row.validation_regex === "" ? {} : { validationRegex: row.validation_regex }),
    ...(row.validation_error === "" ? {} : { validationError: row.validation_error }),
    ...(row.validation_min === null ? {} : { validationMin: row.validation_min }),
    ...(row.validation_max === null ? {} : { validationMax: row.validation_max }),
    ...(monotonic === "increasing" || monotonic === "decreasing" ? { validationMonotonic: monotonic } : {}),
    required: row.required,
    ephemeral: row.ephemeral,
    order: row.display_order,
  };
}
