terraform {
  required_providers {
    coder = {
      source  = "coder/coder"
      version = ">= 2.4.0"
    }
    docker = {
      source = "kreuzwerker/docker"
    }
  }
}

variable "docker_socket" {
  description = "Address of the Docker engine, such as unix:///var/run/docker.sock. Empty: what DOCKER_HOST says, else the default socket."
  type        = string
  default     = ""
}

variable "image" {
  description = "Image of the workspace. It needs a shell and one of curl, wget or busybox; an image that is on the host already is not pulled."
  type        = string
  default     = "buildpack-deps:bookworm-scm"
}

variable "network_mode" {
  description = "bridge: containers reach the server as host.docker.internal. host: containers share the host's network."
  type        = string
  default     = "bridge"
  validation {
    condition     = contains(["bridge", "host"], var.network_mode)
    error_message = "network_mode must be bridge or host."
  }
}

provider "docker" {
  host = var.docker_socket != "" ? var.docker_socket : null
}

data "coder_provisioner" "me" {}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}

locals {
  # On the bridge, "localhost" is the container itself: the server is the host's gateway.
  on_bridge   = var.network_mode == "bridge"
  init_script = local.on_bridge ? replace(coder_agent.main.init_script, "/(localhost|127\\.0\\.0\\.1)/", "host.docker.internal") : coder_agent.main.init_script
}

resource "coder_agent" "main" {
  os   = "linux"
  arch = data.coder_provisioner.me.arch

  env = {
    GIT_AUTHOR_NAME     = coalesce(data.coder_workspace_owner.me.full_name, data.coder_workspace_owner.me.name)
    GIT_AUTHOR_EMAIL    = data.coder_workspace_owner.me.email
    GIT_COMMITTER_NAME  = coalesce(data.coder_workspace_owner.me.full_name, data.coder_workspace_owner.me.name)
    GIT_COMMITTER_EMAIL = data.coder_workspace_owner.me.email
  }

  metadata {
    display_name = "Memory"
    key          = "memory"
    script       = "awk '/MemTotal/ { t = $2 } /MemAvailable/ { a = $2 } END { printf \"%.1f of %.1f GiB\", (t - a) / 1048576, t / 1048576 }' /proc/meminfo"
    interval     = 15
    timeout      = 2
  }
}

# Kept over stop and start; renaming the workspace must not lose it, so its name is the id.
resource "docker_volume" "home" {
  name = "coder-${data.coder_workspace.me.id}-home"
  lifecycle {
    ignore_changes = all
  }
  labels {
    label = "coder.workspace_id"
    value = data.coder_workspace.me.id
  }
}

resource "docker_image" "workspace" {
  name         = var.image
  keep_locally = true
}

resource "docker_container" "workspace" {
  count = data.coder_workspace.me.start_count
  image = docker_image.workspace.image_id
  name  = "coder-${data.coder_workspace_owner.me.name}-${lower(data.coder_workspace.me.name)}"

  hostname     = local.on_bridge ? data.coder_workspace.me.name : null
  network_mode = var.network_mode
  entrypoint   = ["sh", "-c", local.init_script]
  env          = ["CODER_AGENT_TOKEN=${coder_agent.main.token}", "HOME=/home/coder"]
  working_dir  = "/home/coder"
  # Docker's own init reaps what the workspace leaves behind and passes SIGTERM on.
  init = true

  dynamic "host" {
    for_each = local.on_bridge ? ["host.docker.internal"] : []
    content {
      host = host.value
      ip   = "host-gateway"
    }
  }

  volumes {
    container_path = "/home/coder"
    volume_name    = docker_volume.home.name
  }

  labels {
    label = "coder.owner"
    value = data.coder_workspace_owner.me.name
  }
  labels {
    label = "coder.workspace_id"
    value = data.coder_workspace.me.id
  }
}
