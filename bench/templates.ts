import { join } from "node:path";
import { root } from "./coder.ts";

export const localTemplate = join(root, "examples/local");

/** What a build of a small real template does, without anything that takes time of its own. */
export const plainTemplate: Record<string, string> = {
  "main.tf": `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
resource "coder_agent" "dev" {
  os   = "linux"
  arch = "amd64"
}
resource "coder_app" "code" {
  agent_id = coder_agent.dev.id
  slug     = "code"
  url      = "http://localhost:8080"
}
resource "terraform_data" "home" {}
resource "terraform_data" "compute" {
  count = data.coder_workspace.me.start_count
  input = { token = coder_agent.dev.token, script = coder_agent.dev.init_script }
}
`,
};
