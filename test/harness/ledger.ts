import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "./wait-for.ts";

const step = (name: string, after: string | null, isGated = false) => `
resource "terraform_data" "${name}" {
  input = data.coder_parameter.dir.value
  ${after === null ? "" : `depends_on = [terraform_data.${after}]`}
  provisioner "local-exec" {
    command = <<-EOT
      cd "\${self.input}"
      ${isGated ? `echo "begin ${name}" >> ledger; until [ -e gate ]; do sleep 0.1; done` : ""}
      echo "create ${name}" >> ledger
    EOT
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo 'destroy ${name}' >> '\${self.input}/ledger'"
  }
}
`;

/**
 * A template of three steps, one after the other, each of which writes down when it is made and destroyed. The
 * second waits until the test opens its gate: so a test knows where Terraform is.
 */
export const ledgerTemplate: Readonly<Record<string, string>> = {
  "main.tf": `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
data "coder_parameter" "dir" {
  name = "dir"
  type = "string"
}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
${step("one", null)}${step("two", "one", true)}${step("three", "two")}
`,
};

export type Ledger = {
  /** Give these to the workspace. */
  parameters: { name: string; value: string }[];
  dir: string;
  /** What happened, in order: "create one", "destroy one", … */
  lines(): Promise<string[]>;
  openGate(): Promise<void>;
  /** Waits until Terraform makes the second step. */
  reachGate(): Promise<void>;
  remove(): Promise<void>;
};

export async function createLedger(): Promise<Ledger> {
  const dir = await mkdtemp(join(tmpdir(), "slipway-ledger-"));
  const lines = async () =>
    (await readFile(join(dir, "ledger"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
  return {
    parameters: [{ name: "dir", value: dir }],
    dir,
    lines,
    openGate: () => appendFile(join(dir, "gate"), ""),
    async reachGate() {
      await waitFor("Terraform to reach the second step", async () => (await lines()).includes("begin two"));
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
