terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}

resource "coder_agent" "main" {
  count = 3
  os    = "linux"
  arch  = "amd64"
  dir   = "/deprecated"
}

resource "coder_agent" "other" {
  os   = "linux"
  arch = "amd64"
  dir  = "/deprecated"
}

resource "terraform_data" "good" {
  provisioner "local-exec" {
    command = "echo one; echo two >&2"
  }
}

resource "terraform_data" "bad" {
  depends_on = [terraform_data.good]
  input      = coder_agent.other.id
  provisioner "local-exec" {
    command = "echo three; exit 3"
  }
}
