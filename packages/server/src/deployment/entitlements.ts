import { general } from "@slipway/api";

/** Features that clients ask about and that this version has. The others come with later releases. */
const builtFeatures: ReadonlySet<string> = new Set([
  "external_token_encryption",
  "multiple_organizations",
  "service_accounts",
  "user_role_management",
  "workspace_batch_actions",
]);

/** There are no licences: what is built is open to everybody. */
export function entitlements(now: Date): general.Entitlements {
  const features = general.featureNames.map((name): [string, general.Feature] => {
    const enabled = builtFeatures.has(name);
    return [name, { entitlement: enabled ? "entitled" : "not_entitled", enabled }];
  });
  return {
    features: Object.fromEntries(features),
    warnings: [],
    errors: [],
    has_license: false,
    trial: false,
    require_telemetry: false,
    refreshed_at: now.toISOString(),
  };
}
