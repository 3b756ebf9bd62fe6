terraform {
  required_version = ">= 1.4"
  required_providers {
    coder = {
      source  = "coder/coder"
      version = ">= 2.4.0"
    }
  }
}

data "coder_provisioner" "me" {}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}

data "coder_parameter" "sandbox" {
  name         = "sandbox"
  display_name = "Sandbox"
  description  = "`auto` uses bubblewrap where it works, `require` fails without it, `off` never uses it."
  type         = "string"
  default      = "auto"
  mutable      = true
  icon         = "/icon/lock.svg"
  option {
    name  = "Where it works"
    value = "auto"
  }
  option {
    name  = "Required"
    value = "require"
  }
  option {
    name  = "Off"
    value = "off"
  }
}

resource "coder_agent" "main" {
  os   = data.coder_provisioner.me.os
  arch = data.coder_provisioner.me.arch

  env = {
    GIT_AUTHOR_NAME     = coalesce(data.coder_workspace_owner.me.full_name, data.coder_workspace_owner.me.name)
    GIT_AUTHOR_EMAIL    = data.coder_workspace_owner.me.email
    GIT_COMMITTER_NAME  = coalesce(data.coder_workspace_owner.me.full_name, data.coder_workspace_owner.me.name)
    GIT_COMMITTER_EMAIL = data.coder_workspace_owner.me.email
  }

  metadata {
    display_name = "Load"
    key          = "load"
    script       = "cut -d ' ' -f 1 /proc/loadavg"
    interval     = 15
    timeout      = 2
  }

  metadata {
    display_name = "Home disk"
    key          = "home"
    script       = "df -h . | awk 'NR == 2 { print $3 \" of \" $2 }'"
    interval     = 60
    timeout      = 5
  }
}

# The home directory: made with the workspace, kept over stop and start, removed with the workspace.
resource "terraform_data" "home" {
  input = data.coder_workspace.me.id

  provisioner "local-exec" {
    command = "sh '${path.module}/home.sh' create '${self.input}'"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "sh '${path.module}/home.sh' delete '${self.input}'"
  }
}

resource "terraform_data" "sandbox" {
  count            = data.coder_workspace.me.start_count
  triggers_replace = data.coder_parameter.sandbox.value
  input            = terraform_data.home.output

  provisioner "local-exec" {
    command     = "sh '${path.module}/agent.sh' check '${self.input}'"
    environment = { AGENT_SANDBOX = data.coder_parameter.sandbox.value }
  }
}

# The agent's process: one per start. A new token replaces it, a stop removes it.
resource "terraform_data" "workspace" {
  count            = data.coder_workspace.me.start_count
  triggers_replace = [sha256(coder_agent.main.token), data.coder_parameter.sandbox.value]
  input            = terraform_data.sandbox[0].output

  provisioner "local-exec" {
    command = "sh '${path.module}/agent.sh' start '${self.input}'"
    environment = {
      CODER_AGENT_TOKEN = coder_agent.main.token
      AGENT_INIT_SCRIPT = coder_agent.main.init_script
      AGENT_SANDBOX     = data.coder_parameter.sandbox.value
    }
  }
  provisioner "local-exec" {
    when    = destroy
    command = "sh '${path.module}/agent.sh' stop '${self.input}'"
  }
}

resource "coder_metadata" "sandbox" {
  count       = data.coder_workspace.me.start_count
  resource_id = terraform_data.sandbox[0].id
  hide        = true
}

resource "coder_metadata" "home" {
  resource_id = terraform_data.home.id
  item {
    key   = "kept until"
    value = "the workspace is deleted"
  }
}

resource "coder_metadata" "workspace" {
  count       = data.coder_workspace.me.start_count
  resource_id = terraform_data.workspace[0].id
  item {
    key   = "runs on"
    value = "the provisioner's host"
  }
}
