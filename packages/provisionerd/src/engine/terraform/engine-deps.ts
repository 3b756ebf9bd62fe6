import type { TerraformSetup } from "./setup.ts";
import type { Supervisor } from "./supervisor.ts";
import type { VersionCache } from "./version-cache.ts";

/** What the jobs of one engine share. */
export type EngineDeps = {
  setUp(): Promise<TerraformSetup>;
  supervisor(): Supervisor;
  versions: VersionCache;
  /** Holds the directories of running jobs. */
  workParent: string;
  /** The part of the daemon's environment that Terraform may see. */
  host: Record<string, string>;
  nowMs(): number;
};
