import { type RichParameter, resolveDynamicParameters, resolveParameters } from "@slipway/template";
import { ApiError, invalidField } from "../http/api-error.ts";
import type { ParameterForm } from "../templates/parameter-form.ts";
import type { VersionPreset } from "../templates/version-presets.ts";
import type { BuildRequest } from "./build-request.ts";
import { matchPreset, type NamedValue } from "./match-preset.ts";
import type { PreviousBuild } from "./previous-build.ts";

/** The values that a build is made with, and the preset that they come from or amount to. */
export type BuildParameters = { values: NamedValue[]; presetId: string | null };

/**
 * Settles parameters by provisioning.md 9 and 10.1; refuses with one validation per parameter. Without a form it goes by
 * the classic flow, which knows the parameters of the import only.
 */
export async function resolveBuildParameters(
  version: { parameters: RichParameter[]; presets: readonly VersionPreset[]; form: ParameterForm | null },
  request: BuildRequest,
  previous: PreviousBuild | null,
): Promise<BuildParameters> {
  const given = toMap(request.parameters);
  const preset = choosePreset(version.presets, request);
  const input = {
    parameters: version.parameters,
    previous: previous?.parameters ?? new Map<string, string>(),
    request: given,
    preset: new Map(preset?.parameters.map(({ name, value }) => [name, value])),
    transition: request.transition,
    isFirstBuild: previous === null,
  };
  const { values, errors } =
    version.form === null ? resolveParameters(input) : await resolveInForm(version.form, input);
  if (errors.length > 0) {
    throw new ApiError("bad_request", "Unable to validate parameters", { validations: errors });
  }
  return { values, presetId: preset?.id ?? null };
}

async function resolveInForm(form: ParameterForm, input: Parameters<typeof resolveDynamicParameters>[1]) {
  const resolved = await resolveDynamicParameters(form.render, input);
  if (resolved.templateErrors.length === 0) return resolved;
  throw new ApiError("bad_request", "The template's parameters can't be evaluated with these values.", {
    detail: resolved.templateErrors.join("\n"),
  });
}

/** A name that is given twice would leave it to chance which value counts. */
function toMap(values: readonly NamedValue[]): Map<string, string> {
  const map = new Map<string, string>();
  for (const { name, value } of values) {
    if (map.has(name)) throw invalidField(name, `The parameter "${name}" is given more than once.`);
    map.set(name, value);
  }
  return map;
}

function choosePreset(presets: readonly VersionPreset[], request: BuildRequest): VersionPreset | null {
  const { presetId } = request;
  if (presetId === undefined) return matchPreset(presets, request.parameters);
  const preset = presets.find((each) => each.id === presetId);
  if (preset) return preset;
  throw invalidField(
    "template_version_preset_id",
    "template_version_preset_id must be a preset of the version that is built.",
  );
}
