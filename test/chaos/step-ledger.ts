import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builds, type Client } from "@slipway/api";

/** Holds the provider's process until the end: the agent comes last. */
export const stepsTemplate: Readonly<Record<string, string>> = {
  "main.tf": `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_parameter" "dir" {
  name = "dir"
  type = "string"
}
data "coder_parameter" "steps" {
  name    = "steps"
  type    = "number"
  default = 3
}
data "coder_parameter" "command" {
  name    = "command"
  type    = "string"
  mutable = true
}
resource "terraform_data" "step" {
  count = data.coder_parameter.steps.value
  input = data.coder_parameter.dir.value
  provisioner "local-exec" {
    command = <<-EOT
      cd "\${self.input}"
      echo "begin \${count.index} $CODER_WORKSPACE_BUILD_ID" >> ledger
      for line in 1 2 3; do echo "line $line of \${count.index}"; done
      \${data.coder_parameter.command.value}
      echo "create \${count.index} $CODER_WORKSPACE_BUILD_ID" >> ledger
    EOT
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo 'destroy \${count.index} -' >> '\${self.input}/ledger'"
  }
}
resource "coder_agent" "main" {
  os         = "linux"
  arch       = "amd64"
  depends_on = [terraform_data.step]
}
`,
};

type Entry = { what: "begin" | "create" | "destroy"; step: number; buildId: string };

export type StepLedger = {
  dir: string;
  entries(): Promise<Entry[]>;
  /** How often each step was made more than it was destroyed. */
  standing(): Promise<Map<number, number>>;
  remove(): Promise<void>;
};

export async function createStepLedger(): Promise<StepLedger> {
  const dir = await mkdtemp(join(tmpdir(), "slipway-steps-"));
  const entries = async (): Promise<Entry[]> => {
    const text = await readFile(join(dir, "ledger"), "utf8").catch(() => "");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [, what, step, buildId = ""] = /^(begin|create|destroy) (\d+) (\S+)$/.exec(line) ?? [];
        assert.ok(what, `The ledger has a line "${line}".`);
        return { what: what as Entry["what"], step: Number(step), buildId }; // The expression names all three.
      });
  };
  return {
    dir,
    entries,
    async standing() {
      const counts = new Map<number, number>();
      for (const { what, step } of await entries()) {
        const by = what === "create" ? 1 : what === "destroy" ? -1 : 0;
        counts.set(step, (counts.get(step) ?? 0) + by);
      }
      return counts;
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

export type HeldSteps = { whole: Set<number>; tainted: Set<number> };

/** The steps in the state of a build, by their number. */
export async function heldSteps(client: Client, buildId: string): Promise<HeldSteps> {
  const held: HeldSteps = { whole: new Set(), tainted: new Set() };
  const response = await client.fetch(builds.getBuildState, { params: { workspacebuild: buildId } });
  const text = await response.text();
  if (text === "") return held;
  // Terraform's own format: version 4.
  const { resources } = JSON.parse(text) as {
    resources: { name: string; instances: { index_key?: number; status?: string }[] }[];
  };
  for (const { name, instances } of resources) {
    if (name !== "step") continue;
    for (const { index_key = -1, status } of instances) {
      (status === undefined ? held.whole : held.tainted).add(index_key);
    }
  }
  return held;
}

/** The steps that a build's error names as possibly existing. */
export function namedSteps(error: string | undefined): Set<number> {
  const found = (error ?? "").matchAll(/terraform_data\.step\[(\d+)\]/g);
  return new Set([...found].map(([, step]) => Number(step)));
}
