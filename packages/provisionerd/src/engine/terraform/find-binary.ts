import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { downloadTerraform, pinnedTerraform, TERRAFORM_VERSION } from "./download-terraform.ts";

export type TerraformBinary = { path: string; product: "terraform" | "opentofu"; version: string };

const MINIMUM = [1, 1, 0] as const;
const run = promisify(execFile);

export type FindBinaryOptions = {
  /** The operator's choice; nothing else is tried then. */
  configured?: string | undefined;
  path: string;
  cacheDir: string;
  fetch?: typeof fetch | undefined;
  signal: AbortSignal;
  /** Says what takes long. */
  say(message: string): void;
};

/** The configured program, else `terraform` or `tofu` from PATH, else a pinned version, downloaded once. */
export async function findBinary(options: FindBinaryOptions): Promise<TerraformBinary> {
  if (options.configured !== undefined && options.configured !== "") {
    const path = isAbsolute(options.configured)
      ? options.configured
      : await firstOnPath([options.configured], options.path);
    if (path === null) throw new Error(`The configured Terraform ${options.configured} is not on PATH.`);
    const found = await inspectBinary(path);
    if (!isSupported(found.version)) {
      throw new Error(
        `${path} is version ${found.version}; 1.1.0 or newer is needed. Configure a newer one.`,
      );
    }
    return found;
  }
  for (const name of ["terraform", "tofu"]) {
    const path = await firstOnPath([name], options.path);
    if (path === null) continue;
    const found = await inspectBinary(path);
    if (isSupported(found.version)) return found;
    options.say(`${path} is version ${found.version}, older than 1.1.0; looking on.`);
  }
  const pinned = pinnedTerraform(options.cacheDir);
  try {
    await access(pinned, constants.X_OK);
  } catch {
    options.say(`Neither terraform nor tofu is on PATH; downloading Terraform ${TERRAFORM_VERSION}.`);
    await downloadTerraform(options.cacheDir, options.signal, { fetch: options.fetch });
  }
  return inspectBinary(pinned);
}

/** What a program says of itself, without the machine's CLI configuration. */
export async function inspectBinary(path: string): Promise<TerraformBinary> {
  const { stdout } = await run(path, ["version", "-json"], {
    env: { PATH: process.env.PATH ?? "", CHECKPOINT_DISABLE: "1", TF_CLI_CONFIG_FILE: "/dev/null" },
    timeout: 30_000,
  });
  const answer: unknown = JSON.parse(stdout);
  const version =
    typeof answer === "object" && answer !== null && "terraform_version" in answer
      ? String(answer.terraform_version)
      : "";
  if (version === "") throw new Error(`${path} does not answer as Terraform or OpenTofu does.`);
  // `tofu version -json` has the same shape; only its plain form names the product.
  const plain = await run(path, ["version"], {
    env: { PATH: process.env.PATH ?? "", CHECKPOINT_DISABLE: "1", TF_CLI_CONFIG_FILE: "/dev/null" },
    timeout: 30_000,
  });
  return { path, version, product: plain.stdout.startsWith("OpenTofu") ? "opentofu" : "terraform" };
}

function isSupported(version: string): boolean {
  const parts = version.split(/[.-]/).map(Number);
  for (const [index, minimum] of MINIMUM.entries()) {
    const part = parts[index] ?? 0;
    if (part !== minimum) return part > minimum;
  }
  return true;
}

export async function firstOnPath(names: readonly string[], path: string): Promise<string | null> {
  for (const dir of path.split(delimiter)) {
    for (const name of names) {
      const candidate = join(dir, name);
      const usable = await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (dir !== "" && usable) return candidate;
    }
  }
  return null;
}
