import type { CommandEntry } from "../command-tree.ts";
import { agentCommand } from "../commands/agent-command.ts";

/** In place of all commands, in the part of an executable that a workspace runs all the time. */
export const commands: readonly CommandEntry[] = [agentCommand];
