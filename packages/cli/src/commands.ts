import type { CommandEntry } from "./command-tree.ts";

/** Every command of the program, in the order of its help. A module per command, loaded when it is named. */
export const commands: readonly CommandEntry[] = [
  { name: "version", summary: "Show the version", load: () => import("./commands/version.ts") },
];
