import type { NamedValue } from "./match-preset.ts";

/** What is asked of one build, by whatever way it was asked. */
export type BuildRequest = Readonly<{
  transition: "start" | "stop" | "delete";
  /** Absent: the version of the last build, or the active one where the template requires that. */
  versionId?: string | undefined;
  presetId?: string | undefined;
  parameters: readonly NamedValue[];
  reason: string;
  /** Replaces what Terraform knows of the workspace's resources. */
  state?: Uint8Array | undefined;
  /** Forgets the resources instead of destroying them. */
  orphan?: boolean | undefined;
  logLevel?: "debug" | undefined;
}>;
