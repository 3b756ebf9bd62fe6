import { type Client, type parameters, templateVersions } from "@slipway/api/client";
import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";
import { askChoice } from "./prompt.ts";

type Preset = parameters.Preset;

/**
 * The preset of a new workspace: the one named; else the version's default one; else, on a terminal, the one that
 * is chosen. `none` means none (cli.md 6).
 */
export async function choosePreset(
  cli: Cli,
  client: Client,
  versionId: string,
  name: string | undefined,
): Promise<Preset | undefined> {
  if (name?.toLowerCase() === "none") return undefined;
  const presets = await client.call(templateVersions.getPresets, { params: { templateversion: versionId } });
  if (name) {
    const found = presets.find((preset) => preset.Name === name);
    if (found) return found;
    throw new CliError(`preset "${name}" not found`, {
      hint:
        presets.length > 0
          ? `Presets: ${presets.map((preset) => preset.Name).join(", ")}; none for no preset.`
          : "The template's version has no presets.",
    });
  }
  const initial = presets.find((preset) => preset.Default);
  if (initial || presets.length === 0 || !cli.interactive) return initial;
  const chosen = await askChoice(cli, {
    message: "Preset",
    flag: "--preset",
    options: [
      ...presets.map((preset) => ({
        value: preset.ID,
        label: preset.Name,
        ...(preset.Description ? { hint: preset.Description } : {}),
      })),
      { value: "", label: "None" },
    ],
  });
  return presets.find((preset) => preset.ID === chosen);
}
