import { create } from "@bufbuild/protobuf";
import { type Preset, PresetSchema } from "@slipway/proto/provisioner";
import type { DiagnosticInit } from "../engine.ts";
import { type Attributes, blocks, flag, int, text, textMap } from "./results/attributes.ts";
import { createReport } from "./results/diagnostics.ts";
import { planInstances } from "./results/plan-instances.ts";

/** The presets of a template (provisioning.md §7.5). */
export function presetsFromPlan(plan: unknown): { presets: Preset[]; diagnostics: DiagnosticInit[] } {
  const report = createReport();
  const addresses = new Map<string, string>();
  const presets: Preset[] = [];
  const found = planInstances(plan).toSorted((a, b) => (a.address < b.address ? -1 : 1));
  for (const { mode, type, address, values } of found) {
    if (mode !== "data" || type !== "coder_workspace_preset") continue;
    const preset = convertPreset(values);
    const other = addresses.get(preset.name);
    if (other !== undefined) {
      report.error(
        "Duplicate preset",
        `${address} and ${other} are both named "${preset.name}". Rename one of them.`,
      );
      continue;
    }
    addresses.set(preset.name, address);
    presets.push(preset);
  }
  const defaults = presets.filter((preset) => preset.default).map((preset) => `"${preset.name}"`);
  if (defaults.length > 1) {
    report.error("More than one default preset", `${defaults.join(" and ")} are both the default. Keep one.`);
  }
  return { presets, diagnostics: report.diagnostics };
}

function convertPreset(values: Attributes): Preset {
  const prebuilds = blocks(values, "prebuilds")[0];
  const parameters = Object.entries(textMap(values, "parameters"));
  return create(PresetSchema, {
    name: text(values, "name"),
    parameters: parameters.map(([name, value]) => ({ name, value })),
    ...(prebuilds === undefined ? {} : { prebuild: convertPrebuild(prebuilds) }),
    default: flag(values, "default"),
    description: text(values, "description"),
    icon: text(values, "icon"),
  });
}

function convertPrebuild(prebuilds: Attributes) {
  const expiration = blocks(prebuilds, "expiration_policy")[0];
  const scheduling = blocks(prebuilds, "scheduling")[0];
  const schedule = scheduling === undefined ? [] : blocks(scheduling, "schedule");
  return {
    instances: int(prebuilds, "instances"),
    expirationTtlSeconds: expiration === undefined ? 0 : int(expiration, "ttl"),
    schedulingJson:
      scheduling === undefined
        ? ""
        : JSON.stringify({
            timezone: text(scheduling, "timezone"),
            schedule: schedule.map((entry) => ({
              cron: text(entry, "cron"),
              instances: int(entry, "instances"),
            })),
          }),
  };
}
