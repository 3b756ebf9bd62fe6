import { type CoderServer, startCoderServer } from "../test/harness/coder-server.ts";
import { pushTemplate } from "../test/harness/template.ts";
import { createWorkspace, waitForAgent } from "../test/harness/workspaces.ts";
import { localTemplate } from "./templates.ts";

export type Deployment = {
  server: CoderServer;
  /** The template `local`. */
  templateId: string;
  /** A workspace of it whose agent is ready. */
  workspace: string;
};

/** A server process with the template `local` and one running workspace. */
export async function startDeployment(): Promise<Deployment> {
  const server = await startCoderServer();
  try {
    const template = await pushTemplate(server.owner, "local", localTemplate);
    const workspace = await createWorkspace(server.owner, template.id, "dev");
    await waitForAgent(server.owner, workspace.id);
    return { server, templateId: template.id, workspace: workspace.name };
  } catch (error) {
    await server.close();
    throw error;
  }
}
