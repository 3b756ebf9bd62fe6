import { TemplateError } from "../template-error.ts";
import { type ArchiveLimits, formatBytes } from "./archive-limits.ts";

/** One entry of an archive with its path cleaned: no leading `./`, no trailing `/`, never empty. */
export type ArchiveEntry = {
  path: string;
  type: "file" | "directory" | "symlink";
  sizeBytes: number;
  mode: number;
  /** The target of a symlink, else null. */
  linkTarget: string | null;
};

/** An entry as an archive declares it; nothing in it is to be believed yet. */
export type DeclaredEntry = {
  name: string;
  type: string;
  sizeBytes: number;
  mode: number;
  linkTarget: string | null;
};

/** Names as they may be shown on a terminal: an attacker's escape sequences stay visible and dead. */
export function showPath(name: string): string {
  const shown = JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
  return shown.replace(/[\u007f-\u009f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Judges the entries of one archive in their order. `add` returns the cleaned entry, or null for the root
 * directory itself; `finish` checks what only the whole archive can show.
 */
export function createEntryChecker(limits: ArchiveLimits) {
  const types = new Map<string, ArchiveEntry["type"]>();
  let entries = 0;
  let bytes = 0;

  function add(declared: DeclaredEntry): ArchiveEntry | null {
    entries += 1;
    if (entries > limits.maxEntries) {
      throw new TemplateError(
        "too_many_entries",
        `The archive holds more than ${limits.maxEntries} entries. Leave out what Terraform does not read, for example with a .terraformignore file.`,
      );
    }
    const path = cleanPath(declared.name, limits);
    const type = entryType(declared);
    checkSize(declared, type, limits);
    bytes += type === "file" ? declared.sizeBytes : 0;
    if (bytes > limits.maxUnpackedBytes) {
      throw new TemplateError(
        "archive_too_large",
        `The files of the archive take more than ${formatBytes(limits.maxUnpackedBytes)} (reached at ${showPath(declared.name)}). Leave out what Terraform does not read.`,
        { path: declared.name },
      );
    }
    if (path === "") {
      if (type === "directory") return null;
      throw new TemplateError(
        "unsafe_path",
        `The archive holds an entry without a name. Pack the directory again.`,
      );
    }
    const earlier = types.get(path);
    if (earlier !== undefined && earlier !== type) {
      throw new TemplateError(
        "conflicting_entries",
        `${showPath(path)} is in the archive as a ${earlier} and as a ${type}. Pack the directory again so that each path is there once.`,
        { path },
      );
    }
    types.set(path, type);
    const linkTarget = type === "symlink" ? checkLink(path, declared.linkTarget) : null;
    return {
      path,
      type,
      sizeBytes: type === "file" ? declared.sizeBytes : 0,
      mode: declared.mode,
      linkTarget,
    };
  }

  function finish(): { entries: number; bytes: number } {
    // A file below a symlink or below another file would be written wherever that one leads.
    for (const path of types.keys()) {
      for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
        const parent = path.slice(0, slash);
        const type = types.get(parent);
        if (type !== undefined && type !== "directory") {
          throw new TemplateError(
            "conflicting_entries",
            `${showPath(path)} lies below ${showPath(parent)}, which the archive holds as a ${type}. Pack the directory again.`,
            { path },
          );
        }
      }
    }
    return { entries: types.size, bytes };
  }

  return { add, finish };
}

function cleanPath(name: string, limits: ArchiveLimits): string {
  const refuse = (why: string) =>
    new TemplateError("unsafe_path", `The entry ${showPath(name)} ${why}`, { path: name });
  // Decoders put U+FFFD where bytes are not UTF-8; what the real name was is lost by then.
  if (name.includes("\uFFFD")) throw refuse("has a name that is not UTF-8. Rename it and pack again.");
  if (/[\u0000-\u001f\u007f]/.test(name)) {
    throw refuse("has a control character in its name. Rename it and pack again.");
  }
  if (name.includes("\\")) throw refuse("has a backslash in its name. Use / between folders and pack again.");
  if (name.startsWith("/") || /^[A-Za-z]:/.test(name)) {
    throw refuse("is an absolute path. Pack the directory with paths relative to it.");
  }
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes(".."))
    throw refuse('leads out of the template by "..". Pack from the directory itself.');
  if (Buffer.byteLength(name) > limits.maxPathBytes || parts.some((part) => Buffer.byteLength(part) > 255)) {
    throw refuse(`is longer than ${limits.maxPathBytes} bytes (255 for one part). Use shorter names.`);
  }
  return parts.join("/");
}

function entryType(declared: DeclaredEntry): ArchiveEntry["type"] {
  switch (declared.type) {
    case "file":
    case "contiguous-file":
      return "file";
    case "directory":
    case "symlink":
      return declared.type;
    case "link":
      throw new TemplateError(
        "unsupported_entry",
        `The entry ${showPath(declared.name)} is a hard link. Pack it as a file (tar --hard-dereference).`,
        { path: declared.name },
      );
    default:
      throw new TemplateError(
        "unsupported_entry",
        `The entry ${showPath(declared.name)} is a ${declared.type}. A template may hold files, directories and symlinks only.`,
        { path: declared.name },
      );
  }
}

function checkSize(declared: DeclaredEntry, type: ArchiveEntry["type"], limits: ArchiveLimits): void {
  if (!Number.isSafeInteger(declared.sizeBytes) || declared.sizeBytes < 0) {
    throw new TemplateError(
      "corrupt_archive",
      `The entry ${showPath(declared.name)} declares an impossible size. Pack the directory again.`,
      { path: declared.name },
    );
  }
  if (type !== "file" && declared.sizeBytes > 0) {
    throw new TemplateError(
      "corrupt_archive",
      `The ${type} ${showPath(declared.name)} declares ${declared.sizeBytes} bytes of content. Pack the directory again.`,
      { path: declared.name },
    );
  }
  if (declared.sizeBytes > limits.maxFileBytes) {
    throw new TemplateError(
      "archive_too_large",
      `The file ${showPath(declared.name)} declares ${formatBytes(declared.sizeBytes)}; a file may have ${formatBytes(limits.maxFileBytes)}. Leave it out or fetch it at build time.`,
      { path: declared.name },
    );
  }
}

/**
 * A link may go up by `..` at its start only. Its folder is no symlink (`finish` sees to it), so those steps
 * stay inside; what follows only descends, at worst through other links that were judged alike. A `..` after
 * a name could climb out through a link that a lexical check takes for a folder.
 */
function checkLink(path: string, target: string | null): string {
  const refuse = (why: string) =>
    new TemplateError("unsafe_link", `The symlink ${showPath(path)} ${why}`, { path });
  if (target === null || target === "") throw refuse("has no target. Remove it and pack again.");
  if (target.startsWith("/") || /^[A-Za-z]:/.test(target) || target.includes("\\")) {
    throw refuse(
      `points to ${showPath(target)}, an absolute path. Make it relative, or pack the file itself.`,
    );
  }
  if (/[\u0000-\u001f\u007f\uFFFD]/.test(target)) throw refuse("has a target with a control character.");
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const up = parts.findIndex((part) => part !== "..");
  const climbs = up === -1 ? parts.length : up;
  const depth = path.split("/").length - 1;
  if (climbs > depth || parts.slice(climbs).includes("..")) {
    throw refuse(`points out of the template, to ${showPath(target)}. Pack the file that it means instead.`);
  }
  return target;
}
