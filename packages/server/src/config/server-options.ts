import type { Option } from "./option.ts";
import { appOptions } from "./options/apps.ts";
import { databaseOptions } from "./options/database.ts";
import { integrationOptions } from "./options/integrations.ts";
import { introspectionOptions } from "./options/introspection.ts";
import { networkingOptions } from "./options/networking.ts";
import { oidcOptions } from "./options/oidc.ts";

/**
 * Every setting of the server, declared once: the command line makes flags of it, `loadConfig` reads it
 * from flags, environment and YAML, `/deployment/config` shows it, and the reference pages list it.
 */
export const serverOptions = Object.freeze({
  ...networkingOptions,
  ...databaseOptions,
  ...introspectionOptions,
  ...appOptions,
  ...oidcOptions,
  ...integrationOptions,
});

export type ServerOptionKey = keyof typeof serverOptions;

type ValueOf<O> = O extends Option<infer T> ? T : never;

/** The settings as the server uses them: parsed, with defaults filled in, frozen. */
export type ServerConfig = Readonly<{ [K in ServerOptionKey]: ValueOf<(typeof serverOptions)[K]> }>;

/** The same list for code that goes over all of it. */
export const serverOptionEntries: readonly (readonly [ServerOptionKey, Option])[] =
  // Object.entries forgets the key type; a formatter of one option is only ever given that option's value.
  Object.entries(serverOptions) as unknown as readonly (readonly [ServerOptionKey, Option])[];
