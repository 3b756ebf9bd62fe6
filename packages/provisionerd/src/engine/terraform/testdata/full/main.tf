terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}

variable "region" {
  type    = string
  default = "eu"
}

data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}

data "coder_parameter" "size" {
  name         = "size"
  display_name = "Size"
  description  = "How many cores"
  type         = "number"
  default      = 2
  mutable      = true
  order        = 2
  validation {
    min       = 1
    max       = 8
    monotonic = "increasing"
    error     = "between {min} and {max}"
  }
}

data "coder_parameter" "image" {
  name    = "image"
  type    = "string"
  default = "debian"
  icon    = "/icon/image.svg"
  order   = 1
  option {
    name  = "Debian"
    value = "debian"
  }
  option {
    name        = "Alpine"
    description = "small"
    value       = "alpine"
    icon        = "/icon/alpine.svg"
  }
}

data "coder_parameter" "name" {
  name    = "project"
  default = "x1"
  order   = 1
  validation {
    regex = "^[a-z0-9]+$"
    error = "lower case only"
  }
}

data "coder_parameter" "needed" {
  name = "needed"
  type = "list(string)"
}

data "coder_external_auth" "github" {
  id       = "github"
  optional = true
}

data "coder_workspace_preset" "small" {
  name        = "Small"
  description = "a small one"
  icon        = "/icon/small.svg"
  default     = true
  parameters = {
    (data.coder_parameter.size.name) = "1"
    "image"                          = "alpine"
  }
  prebuilds {
    instances = 2
    expiration_policy {
      ttl = 86400
    }
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 8-18 * * 1-5"
        instances = 3
      }
    }
  }
}

data "coder_workspace_tags" "tags" {
  tags = { zone = var.region }
}

locals {
  token = coder_agent.main.token
}

resource "coder_agent" "main" {
  os                      = "linux"
  arch                    = "amd64"
  dir                     = "~"
  startup_script          = "echo start"
  startup_script_behavior = "blocking"
  shutdown_script         = "echo stop"
  connection_timeout      = 60
  troubleshooting_url     = "https://example.com/help"
  motd_file               = "/etc/motd"
  order                   = 3
  env = {
    HELLO = "world"
  }
  metadata {
    key          = "cpu"
    display_name = "CPU"
    script       = "coder stat cpu"
    interval     = 10
    timeout      = 1
    order        = 1
  }
  display_apps {
    vscode          = false
    vscode_insiders = true
  }
}

resource "coder_agent" "second" {
  count = 1
  os    = "windows"
  arch  = "arm64"
  auth  = "aws-instance-identity"
}

resource "coder_agent_instance" "second" {
  agent_id    = coder_agent.second[0].id
  instance_id = "i-123"
}

resource "coder_agent" "lonely" {
  os   = "linux"
  arch = "amd64"
}

# Holds the first agent behind a local; the volume-like one above holds it as well, further away.
resource "terraform_data" "workspace" {
  count = data.coder_workspace.me.start_count
  input = {
    token = local.token
    size  = data.coder_parameter.size.value
  }
}

resource "terraform_data" "after" {
  count = data.coder_workspace.me.start_count
  input = terraform_data.workspace[0].id
}

resource "terraform_data" "home" {
  input = data.coder_workspace.me.id
}

resource "terraform_data" "windows" {
  for_each = toset(["a b", "c"])
  input    = coder_agent.second[0].id
}

resource "coder_app" "web" {
  agent_id     = coder_agent.main.id
  slug         = "web"
  display_name = "Web"
  url          = "http://localhost:8080"
  icon         = "/icon/web.svg"
  subdomain    = true
  share        = "authenticated"
  order        = 2
  group        = "Tools"
  tooltip      = "hi"
  open_in      = "tab"
  healthcheck {
    url       = "http://localhost:8080/healthz"
    interval  = 5
    threshold = 6
  }
}

resource "coder_app" "shell" {
  agent_id = coder_agent.main.id
  slug     = "shell"
  command  = "htop"
}

resource "coder_script" "cron" {
  agent_id     = coder_agent.main.id
  display_name = "Every hour"
  script       = "echo hour"
  cron         = "0 0 * * * *"
  timeout      = 30
  log_path     = "hour.log"
  run_on_stop  = true
}

resource "coder_env" "path" {
  agent_id       = coder_agent.main.id
  name           = "PATH"
  value          = "/opt/bin"
  merge_strategy = "append"
}

resource "coder_metadata" "workspace" {
  count       = data.coder_workspace.me.start_count
  resource_id = terraform_data.workspace[0].id
  icon        = "/icon/server.svg"
  daily_cost  = 20
  item {
    key   = "region"
    value = var.region
  }
  item {
    key       = "secret"
    value     = "s3cret"
    sensitive = true
  }
  item {
    key = "nothing"
  }
}

resource "coder_metadata" "home" {
  resource_id = terraform_data.home.id
  hide        = true
}

module "tools" {
  source   = "./module"
  agent_id = coder_agent.main.id
}

output "cost" {
  value = 1
}
