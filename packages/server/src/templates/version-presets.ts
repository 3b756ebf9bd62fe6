import type { Db, Tx } from "../db/db.ts";
import type { TemplateVersionPresetRow } from "../db/schema.ts";

export type VersionPreset = TemplateVersionPresetRow & { parameters: { name: string; value: string }[] };

/** The presets of a version, in the template's order, each with its values. */
export async function versionPresets(db: Db | Tx, versionId: string): Promise<VersionPreset[]> {
  const presets = await db
    .selectFrom("template_version_presets")
    .selectAll()
    .where("template_version_id", "=", versionId)
    .orderBy("position")
    .execute();
  if (presets.length === 0) return [];
  const values = await db
    .selectFrom("template_version_preset_parameters")
    .selectAll()
    .where(
      "preset_id",
      "in",
      presets.map((preset) => preset.id),
    )
    .orderBy("name")
    .execute();
  const byPreset = Map.groupBy(values, (value) => value.preset_id);
  return presets.map((preset) => ({
    ...preset,
    parameters: (byPreset.get(preset.id) ?? []).map(({ name, value }) => ({ name, value })),
  }));
}
