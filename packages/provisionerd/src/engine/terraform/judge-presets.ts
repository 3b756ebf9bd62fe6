import type { Preset, RichParameter } from "@slipway/proto/provisioner";
import type { DiagnosticInit } from "../engine.ts";
import type { ImportForm } from "./import-form.ts";
import { createReport } from "./results/diagnostics.ts";

/**
 * Warns of values in presets that nobody could choose. The plan knows one choice, the import's: whether a parameter is
 * there and what it takes may follow from the preset's other values, so the template is evaluated with these.
 */
export function judgePresets(
  presets: readonly Preset[],
  imported: readonly RichParameter[],
  form: ImportForm,
): DiagnosticInit[] {
  const report = createReport();
  for (const preset of presets) {
    const { parameters, mayAppear } = form(
      Object.fromEntries(preset.parameters.map(({ name, value }) => [name, value])),
    );
    for (const { name } of preset.parameters) {
      const found = parameters.find((parameter) => parameter.name === name);
      if (found === undefined && !mayAppear(name) && !imported.some((parameter) => parameter.name === name)) {
        report.warn(
          "Unknown parameter in a preset",
          `The preset "${preset.name}" sets "${name}", which the template does not ask for.`,
        );
      }
      const refusal = found?.diagnostics.find(({ code }) => code === "invalid");
      if (refusal !== undefined) {
        report.warn(
          "Invalid value in a preset",
          `The preset "${preset.name}" sets "${name}": ${refusal.detail}`,
        );
      }
    }
  }
  return report.diagnostics;
}
