import type { Pass } from "./passes.ts";
import { purgeExpiredKeys } from "./tokens/purge-expired-keys.ts";

/** All background work of the server. */
export const serverPasses: readonly Pass[] = [
  { name: "purge expired keys", everyMs: 10 * 60_000, runOnce: purgeExpiredKeys },
];
