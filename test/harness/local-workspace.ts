import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CoderServer } from "./coder-server.ts";
import { pushTemplate } from "./template.ts";
import { createWorkspace, waitForAgent } from "./workspaces.ts";

const localTemplate = join(import.meta.dirname, "../../examples/local");

/** A workspace of the starter template `local`, whose agent is ready. */
export async function createLocalWorkspace(server: CoderServer, name = "dev") {
  const template = await pushTemplate(server.owner, "local", localTemplate);
  const workspace = await createWorkspace(server.owner, template.id, name);
  await waitForAgent(server.owner, workspace.id, 170_000);
  return workspace;
}

/** The files of the starter template `local`, with one more script that its agent runs at the start or at the stop. */
export async function localTemplateWith(
  script: string,
  stage: "start" | "stop" = "start",
): Promise<Record<string, string>> {
  const names = (await readdir(localTemplate)).filter((name) => !name.endsWith(".md"));
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(localTemplate, name), "utf8")] as const),
  );
  return {
    ...Object.fromEntries(files),
    "more.tf": `
resource "coder_script" "more" {
  agent_id     = coder_agent.main.id
  display_name = "More"
  run_on_${stage} = true
  script       = ${JSON.stringify(script)}
}
`,
  };
}
