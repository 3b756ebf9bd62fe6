terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}

variable "agent_id" {
  type = string
}

data "coder_parameter" "inner" {
  name      = "inner"
  type      = "bool"
  default   = false
  ephemeral = true
  mutable   = true
}

resource "coder_app" "inner" {
  agent_id = var.agent_id
  slug     = "inner"
  url      = "https://example.com"
  external = true
}

resource "coder_agent" "inner" {
  os   = "linux"
  arch = "arm64"
}

resource "terraform_data" "machine" {
  input = "agent: ${coder_agent.inner.token}"
}

resource "coder_script" "outer" {
  agent_id     = var.agent_id
  display_name = "From a module"
  script       = "echo module"
  run_on_start = true
}
