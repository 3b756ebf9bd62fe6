import { realpath, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Removes what a server of ours kept below `root`. As root, its Postgres runs as a user that may not enter there, so
 * the data is elsewhere and a link leads to it.
 */
export async function removeData(root: string, configDir: string): Promise<void> {
  const postgres = await realpath(join(configDir, "postgres")).catch(() => undefined);
  if (postgres !== undefined) await rm(postgres, { recursive: true, force: true });
  await rm(root, { recursive: true, force: true });
}
