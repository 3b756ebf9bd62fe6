/** The Coder release whose API and command line this version speaks; plugins gate features on it. */
const compatibleVersion = "v2.39.0";

/** Slipway's own version, as in the package.json files. */
export const slipwayVersion = "0.1.0";

/** What `/buildinfo`, `coder version` and every `X-Coder-Build-Version` header report. */
export const version = `${compatibleVersion}+slipway.${slipwayVersion}`;

/**
 * What `coder --version` prints. Init scripts of existing templates look for "Coder" in the first line.
 */
export function versionText(): string {
  return `Coder ${version}\nSlipway ${slipwayVersion}, compatible with Coder ${compatibleVersion}\n`;
}
