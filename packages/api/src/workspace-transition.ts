import { z } from "zod";

export const WorkspaceTransition = z.enum(["start", "stop", "delete"]);
export type WorkspaceTransition = z.infer<typeof WorkspaceTransition>;
