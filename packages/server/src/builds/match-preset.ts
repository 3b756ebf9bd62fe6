export type NamedValue = Readonly<{ name: string; value: string }>;
export type PresetParameters = Readonly<{ id: string; parameters: readonly NamedValue[] }>;

/**
 * The preset that given values amount to: all of its parameters are among them, and of several such presets
 * the one with the most parameters (provisioning.md 10.1). A preset without parameters is never meant.
 */
export function matchPreset<P extends PresetParameters>(
  presets: readonly P[],
  values: readonly NamedValue[],
): P | null {
  const given = new Map(values.map(({ name, value }) => [name, value]));
  let best: P | null = null;
  for (const preset of presets) {
    const matches =
      preset.parameters.length > 0 && preset.parameters.every(({ name, value }) => given.get(name) === value);
    if (matches && preset.parameters.length > (best?.parameters.length ?? 0)) best = preset;
  }
  return best;
}
