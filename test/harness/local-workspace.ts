import { join } from "node:path";
import type { CoderServer } from "./coder-server.ts";
import { pushTemplate } from "./template.ts";
import { createWorkspace, waitForAgent } from "./workspaces.ts";

/** A workspace of the starter template `local`, whose agent is ready. */
export async function createLocalWorkspace(server: CoderServer, name = "dev") {
  const template = await pushTemplate(
    server.owner,
    "local",
    join(import.meta.dirname, "../../examples/local"),
  );
  const workspace = await createWorkspace(server.owner, template.id, name);
  await waitForAgent(server.owner, workspace.id, 170_000);
  return workspace;
}
