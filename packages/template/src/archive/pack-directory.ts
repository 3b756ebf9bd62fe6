import { readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { TemplateError } from "../template-error.ts";
import { type ArchiveLimits, formatBytes, PUSH_LIMITS } from "./archive-limits.ts";
import { createEntryChecker, showPath } from "./check-entries.ts";
import { parseIgnoreRules } from "./ignore-rules.ts";
import { type TarInput, writeTar } from "./write-tar.ts";

export const LOCK_FILE = ".terraform.lock.hcl";

export type PackedDirectory = { tar: Buffer; files: string[]; hasLockFile: boolean; warnings: string[] };

/**
 * Packs a template directory for upload by the rules of provisioning.md §8.1: no hidden entries but the lock
 * file, no state, no tfvars, nothing that `.terraformignore` names. Equal content gives equal bytes.
 */
export async function packDirectory(
  dir: string,
  options: { limits?: ArchiveLimits; ignoreFile?: string } = {},
): Promise<PackedDirectory> {
  const limits = options.limits ?? PUSH_LIMITS;
  const root = await realpath(dir);
  const rules = parseIgnoreRules(await readIgnoreFile(options.ignoreFile ?? join(root, ".terraformignore")));
  const checker = createEntryChecker(limits);
  const entries: TarInput[] = [];
  const links: { path: string; target: string }[] = [];
  const warnings: string[] = [];

  const mayPackFile = (path: string) => !neverPacked(path, false) && !rules.ignores(path, false);

  async function addFile(path: string, source: string, sizeBytes: number, mode: number): Promise<void> {
    try {
      checker.add({ name: path, type: "file", sizeBytes, mode, linkTarget: null });
    } catch (error) {
      if (!(error instanceof TemplateError) || error.code !== "archive_too_large") throw error;
      throw new TemplateError(
        "archive_too_large",
        `The template is larger than ${formatBytes(limits.maxUnpackedBytes)} (reached at ${showPath(path)}, ${formatBytes(sizeBytes)}). Name what Terraform does not need in .terraformignore.`,
        { path },
      );
    }
    const data = await readFile(source);
    entries.push({ path, type: "file", data, mode: mode & 0o111 ? 0o755 : 0o644 });
  }

  async function addLink(path: string, source: string, above: string[]): Promise<void> {
    const target = await realpath(source).catch(() => null);
    if (target === null) {
      warnings.push(
        `${showPath(path)} was left out: it is a symlink to nothing (${await readlink(source)}).`,
      );
      return;
    }
    const inside = relative(root, target);
    if (target === root || (inside !== ".." && !inside.startsWith(`..${sep}`))) {
      links.push({ path, target: inside.split(sep).join("/") });
      return;
    }
    warnings.push(`${showPath(path)} points out of the template; what it means was packed in its place.`);
    const info = await stat(target);
    if (info.isDirectory()) await addDirectory(path, target, above);
    else if (info.isFile()) await addFile(path, target, info.size, info.mode);
  }

  async function addDirectory(prefix: string, source: string, above: string[]): Promise<void> {
    if (above.includes(source)) {
      warnings.push(`${showPath(prefix)} was left out: it leads back to a folder that holds it.`);
      return;
    }
    for (const item of await readdir(source, { withFileTypes: true })) {
      const path = prefix === "" ? item.name : `${prefix}/${item.name}`;
      const full = join(source, item.name);
      if (item.isDirectory()) {
        // An ignored directory is still entered when an exception may bring some of it back.
        if (neverPacked(path, true) || (rules.ignores(path, true) && !rules.hasExceptions)) continue;
        await addDirectory(path, full, [...above, source]);
        continue;
      }
      if (!mayPackFile(path)) continue;
      if (item.isSymbolicLink()) {
        await addLink(path, full, [...above, source]);
      } else if (item.isFile()) {
        const info = await stat(full);
        await addFile(path, full, info.size, info.mode);
      } else {
        warnings.push(`${showPath(path)} was left out: it is neither a file nor a directory.`);
      }
    }
  }

  await addDirectory("", root, []);
  keepResolvableLinks(links, entries, warnings);
  checker.finish();
  const files = entries.map((entry) => entry.path).sort();
  if (!files.some((path) => isTerraformFile(path) && !path.includes("/"))) {
    throw new TemplateError(
      "not_a_template",
      `${dir} holds no .tf or .tf.json file. Name the template's directory with --directory.`,
    );
  }
  const tar = await writeTar(entries);
  return { tar, files, hasLockFile: files.includes(LOCK_FILE), warnings };
}

/** A file that Terraform reads as configuration. */
export function isTerraformFile(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  // Terraform passes over what editors leave behind.
  if (name.startsWith(".") || name.endsWith("~") || (name.startsWith("#") && name.endsWith("#")))
    return false;
  return name.endsWith(".tf") || name.endsWith(".tf.json");
}

function neverPacked(path: string, isDirectory: boolean): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name.startsWith(".")) return isDirectory || path !== LOCK_FILE;
  if (isDirectory) return false;
  return name.includes(".tfstate") || name.endsWith(".tfvars") || name.endsWith(".tfvars.json");
}

/** A link stays a link when what it means is in the archive; it must not smuggle in what was left out. */
function keepResolvableLinks(
  links: { path: string; target: string }[],
  entries: TarInput[],
  warnings: string[],
): void {
  const present = new Set(entries.map((entry) => entry.path));
  const holds = (target: string) =>
    present.has(target) || target === "" || [...present].some((path) => path.startsWith(`${target}/`));
  for (const { path, target } of links) {
    if (!holds(target)) {
      warnings.push(`${showPath(path)} was left out: it points to ${showPath(target)}, which is not packed.`);
      continue;
    }
    const folder = path.split("/").slice(0, -1).join("/");
    const linkTarget = relative(`/${folder}`, `/${target}`).split(sep).join("/") || ".";
    entries.push({ path, type: "symlink", linkTarget });
  }
}

async function readIgnoreFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
