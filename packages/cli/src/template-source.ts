import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Readme } from "@slipway/template";
import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";

/** A template as it is about to be uploaded. */
export type TemplateSource = {
  tar: Uint8Array<ArrayBuffer>;
  /** What to call it when nobody says; an archive from stdin has no name. */
  name: string | undefined;
  hasLockFile: boolean;
  warnings: string[];
  readme: Readme;
  /** Values from the `*.auto.tfvars` files beside it, which are not packed. */
  variables: Map<string, string>;
};

/** Reads and packs a template: a directory, or for `-` the tar archive on stdin. */
export async function readTemplate(cli: Cli, directory: string): Promise<TemplateSource> {
  return directory === "-" ? readArchive(cli) : readDirectory(directory);
}

async function readDirectory(directory: string): Promise<TemplateSource> {
  const path = resolve(directory);
  const info = await stat(path).catch(() => undefined);
  if (!info?.isDirectory()) {
    throw new CliError(`${directory} is not a directory.`, {
      hint: "Name the template's directory with --directory.",
    });
  }
  const { isAutoTfvars, packDirectory, parseReadmeFrontMatter } = await import("@slipway/template");
  const packed = await packDirectory(path);
  const readme = await readFile(join(path, "README.md"), "utf8").catch(() => ""); // One without a README is fine.
  const variables = new Map<string, string>();
  for (const file of (await readdir(path)).filter(isAutoTfvars).toSorted()) {
    for (const [name, value] of await readVariablesFile(join(path, file))) variables.set(name, value);
  }
  return {
    tar: new Uint8Array(packed.tar),
    name: basename(path),
    hasLockFile: packed.hasLockFile,
    warnings: packed.warnings,
    readme: parseReadmeFrontMatter(readme),
    variables,
  };
}

async function readArchive(cli: Cli): Promise<TemplateSource> {
  const { formatBytes, isTerraformFile, listTar, parseReadmeFrontMatter, PUSH_LIMITS, readTarFile } =
    await import("@slipway/template");
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of cli.stdin) {
    const bytes = Buffer.from(chunk);
    sizeBytes += bytes.length;
    if (sizeBytes > PUSH_LIMITS.maxBytes) {
      throw new CliError(`The archive on stdin is larger than ${formatBytes(PUSH_LIMITS.maxBytes)}.`);
    }
    chunks.push(bytes);
  }
  const tar = new Uint8Array(Buffer.concat(chunks));
  const paths = (await listTar(tar, PUSH_LIMITS)).map((entry) => entry.path);
  if (!paths.some((path) => isTerraformFile(path) && !path.includes("/"))) {
    throw new CliError("The archive on stdin holds no .tf or .tf.json file at its top.");
  }
  const readme = await readTarFile(tar, "README.md");
  return {
    tar,
    name: undefined,
    hasLockFile: paths.includes(".terraform.lock.hcl"),
    warnings: [],
    readme: parseReadmeFrontMatter(readme?.toString("utf8") ?? ""),
    variables: new Map(),
  };
}

/** Reads the values of Terraform variables from YAML, JSON or tfvars. */
export async function readVariablesFile(path: string): Promise<Map<string, string>> {
  const [{ parseTfvars }, text] = await Promise.all([
    import("@slipway/template"),
    readFile(path, "utf8").catch((err: unknown) => {
      throw new CliError(
        `The variables file can't be read: ${err instanceof Error ? err.message : String(err)}`,
      );
    }),
  ]);
  return new Map(Object.entries(await parseTfvars(text, basename(path))));
}
