import type { CommandEntry } from "../command-tree.ts";

export const agentCommand: CommandEntry = {
  name: "agent",
  summary: "Run the agent of a workspace",
  hidden: true,
  load: () => import("./agent.ts"),
};
