import { posix } from "node:path";
import { isTerraformFile } from "../../archive/pack-directory.ts";
import { MANIFEST_FILE, MODULES_DIRECTORY } from "../../modules/module-manifest.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { isRecord } from "../hcl-json.ts";
import { isOverride, readRootBlocks } from "../template-files.ts";
import { parseBlock } from "./parse-block.ts";
import type { ParsedBlock, ParsedModule, ParsedTemplate } from "./parsed-template.ts";
import type { TemplateFiles } from "./template-source.ts";

const MANIFEST = `${MODULES_DIRECTORY}/${MANIFEST_FILE}`;
const MAX_MODULES = 100;

/**
 * Parses all modules of a template that are in its archive: once for each version, because HashiCorp's parser, which
 * judges the syntax, takes its time. `evaluateWorkspaceTags` and `evaluateParameters` go on from here.
 */
export async function parseTemplateFiles(files: TemplateFiles): Promise<ParsedTemplate> {
  const diagnostics: Diagnostic[] = [];
  const modules: Record<string, ParsedModule> = {};
  const directories = new Map<string, Map<string, string>>();
  for (const [path, bytes] of files.contents) {
    if (!isTerraformFile(path)) continue;
    const directory = posix.dirname(path) === "." ? "" : posix.dirname(path);
    const texts = directories.get(directory) ?? new Map<string, string>();
    directories.set(directory, texts.set(posix.basename(path), Buffer.from(bytes).toString("utf8")));
  }
  const installed = readManifest(files);
  const wanted = reachableFrom(directories, installed);
  for (const directory of wanted.slice(0, MAX_MODULES)) {
    const found: Diagnostic[] = [];
    const module = await parseModule(directories.get(directory) ?? new Map(), found);
    const isForeign = directory.startsWith(`${MODULES_DIRECTORY}/`);
    // Terraform has taken others' modules at the import; what can't be read of them here is only not known.
    if (isForeign && found.some(({ severity }) => severity === "error")) continue;
    modules[directory] = module;
    diagnostics.push(...found.map((each) => inDirectory(each, directory)));
    for (const block of module.blocks) relocate(block, directory);
  }
  return { modules, installed, diagnostics };
}

async function parseModule(
  texts: ReadonlyMap<string, string>,
  diagnostics: Diagnostic[],
): Promise<ParsedModule> {
  const { blocks, diagnostics: found } = await readRootBlocks(texts, () => true);
  diagnostics.push(...found);
  const merged: ParsedBlock[] = [];
  for (const raw of blocks) {
    // Nothing is asked of a resource but whether it is there.
    if (raw.type === "resource" || raw.type === "provider" || raw.type === "terraform") {
      const { type, labels, file, line, column } = raw;
      merged.push({ type, labels, file, line, column, arguments: {}, blocks: [] });
      continue;
    }
    const block = parseBlock(raw, (diagnostic) => diagnostics.push(diagnostic));
    const original = isOverride(block.file) ? merged.find((other) => isSameBlock(other, block)) : undefined;
    if (original === undefined) merged.push(block);
    else override(original, block);
  }
  return { blocks: merged };
}

function isSameBlock(a: ParsedBlock, b: ParsedBlock): boolean {
  return a.type === b.type && a.labels.join("\0") === b.labels.join("\0");
}

/** Arguments take the place of others one by one, nested blocks all of a type at once. */
function override(original: ParsedBlock, block: ParsedBlock): void {
  Object.assign(original.arguments, block.arguments);
  const types = new Set(block.blocks.map(({ type }) => type));
  original.blocks = [...original.blocks.filter(({ type }) => !types.has(type)), ...block.blocks];
}

/** Directories that hold nothing but examples or tests are not parsed: only the root and what it calls. */
function reachableFrom(
  directories: ReadonlyMap<string, ReadonlyMap<string, string>>,
  installed: Record<string, string>,
): string[] {
  const texts = (directory: string) => [...(directories.get(directory)?.values() ?? [])].join("\n");
  const reached = [""];
  const add = (directory: string) => {
    if (directories.has(directory) && !reached.includes(directory)) reached.push(directory);
  };
  Object.values(installed).forEach(add);
  for (const directory of reached) {
    for (const [, source = ""] of texts(directory).matchAll(/"?source"?\s*[=:]\s*"(\.\.?\/[^"]*|\.\.?)"/g)) {
      add(joined(directory, source));
    }
  }
  return reached;
}

/** The directory of a local module, relative to the archive's root; the empty text is the root itself. */
export function joined(directory: string, source: string): string {
  const path = posix.join(directory, source).replace(/\/$/, "");
  return path === "." ? "" : path;
}

/** What `terraform init` wrote of the modules it brought. */
function readManifest(files: TemplateFiles): Record<string, string> {
  const bytes = files.contents.get(MANIFEST);
  if (bytes === undefined) return {};
  try {
    const manifest: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const entries =
      isRecord(manifest) && Array.isArray(manifest.Modules) ? manifest.Modules.filter(isRecord) : [];
    return Object.fromEntries(
      entries.flatMap(({ Key, Dir }) =>
        typeof Key === "string" && typeof Dir === "string" ? [[Key, joined("", Dir)]] : [],
      ),
    );
  } catch {
    // Without it the modules are unknown, which is what they are when it isn't there.
    return {};
  }
}

function relocate(block: ParsedBlock, directory: string): void {
  const file = posix.join(directory, posix.basename(block.file));
  block.file = file;
  for (const argument of Object.values(block.arguments)) argument.file = file;
  for (const inner of block.blocks) relocate(inner, directory);
}

function inDirectory(diagnostic: Diagnostic, directory: string): Diagnostic {
  return diagnostic.file === undefined
    ? diagnostic
    : { ...diagnostic, file: posix.join(directory, diagnostic.file) };
}
