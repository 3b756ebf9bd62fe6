import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EngineFailure } from "../engine.ts";
import { STATE_FILE } from "./state-watcher.ts";

const OVERRIDE_FILE = "zz_backend_override.tf";
const OVERRIDE = `terraform {\n  backend "local" {\n    path = "${STATE_FILE}"\n  }\n}\n`;

/** Keeps the state in the job's directory, whatever backend the template names (engine.md §2). */
export async function writeBackendOverride(dir: string): Promise<void> {
  await writeFile(join(dir, OVERRIDE_FILE), OVERRIDE, { mode: 0o600 });
}

/**
 * After init: fails unless the state is where we look for it. Overrides are applied in the order of their
 * names, so one of the author's that sorts behind ours wins over it.
 */
export async function checkBackend(dir: string): Promise<void> {
  const text = await readFile(join(dir, ".terraform", STATE_FILE), "utf8").catch(() => null);
  // Without the file, Terraform has no backend configured: the state is beside the sources, as we want it.
  if (text !== null && isOurs(text, dir)) return;
  const culprit = await laterOverride(dir);
  if (text === null && culprit === null) return;
  const file = culprit ?? "a file of the template";
  throw new EngineFailure(
    `The template keeps Terraform's state elsewhere: ${file} sets a backend or a cloud block that overrides ours. Remove it: the server keeps the state of every workspace, encrypted.`,
    {
      diagnostics: [
        {
          severity: 5,
          summary: "The backend cannot be overridden",
          detail: "",
          file: culprit ?? "",
          line: 0,
        },
      ],
    },
  );
}

function isOurs(text: string, dir: string): boolean {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== "object" || parsed === null || !("backend" in parsed)) return false;
  // Terraform's own file; each field is compared, whatever it holds.
  const { type, config } = parsed.backend as {
    type?: unknown;
    config?: { path?: unknown; workspace_dir?: unknown };
  };
  return (
    type === "local" &&
    typeof config?.path === "string" &&
    resolve(dir, config.path) === resolve(dir, STATE_FILE) &&
    (config.workspace_dir ?? null) === null
  );
}

async function laterOverride(dir: string): Promise<string | null> {
  const names = (await readdir(dir)).filter((name) => isOverride(name) && name > OVERRIDE_FILE).sort();
  for (const name of names.reverse()) {
    const text = await readFile(join(dir, name), "utf8");
    if (/\b(backend|cloud)\b/.test(text)) return name;
  }
  return null;
}

function isOverride(name: string): boolean {
  return /(^|_)override\.(tf|tofu)(\.json)?$/.test(name);
}
