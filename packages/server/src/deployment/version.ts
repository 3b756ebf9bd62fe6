import manifest from "../../package.json" with { type: "json" };

/** The Coder release whose API this server speaks. Plugins gate features on it. */
const compatibleVersion = "v2.39.0";

export const slipwayVersion: string = manifest.version;

/** What `/buildinfo` and the `X-Coder-Build-Version` header of every answer report. */
export const buildVersion = `${compatibleVersion}+slipway.${slipwayVersion}`;

/** The version of the protocol that agents are asked to speak. */
export const agentApiVersion = "2.0";
