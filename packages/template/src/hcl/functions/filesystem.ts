import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { Context } from "../evaluate/context.ts";
import { set } from "../values/set.ts";
import { BOOL, STRING, setOf } from "../values/type.ts";
import { bool, string, unknown, type Value } from "../values/value.ts";
import { type FunctionDefinition, type FunctionTable, refuse, text, textOf } from "./define.ts";
import { utf8 } from "./encoding.ts";
import { globToPattern } from "./glob.ts";

/** Functions about files. They see the template's archive only; the host's files are never read. */
export const FILE_FUNCTIONS: FunctionTable = {
  file: onBytes((bytes) => utf8(bytes, "The bytes of the file")),
  filebase64: onBytes((bytes) => Buffer.from(bytes).toString("base64")),
  filemd5: hashOfFile("md5", "hex"),
  filesha1: hashOfFile("sha1", "hex"),
  filesha256: hashOfFile("sha256", "hex"),
  filesha512: hashOfFile("sha512", "hex"),
  filebase64sha256: hashOfFile("sha256", "base64"),
  filebase64sha512: hashOfFile("sha512", "base64"),
  fileexists: {
    parameters: [text],
    result: BOOL,
    call: ([path], context) => {
      const inside = pathInArchive(textOf(path), context);
      return inside === null || context.files === null
        ? unknown(BOOL)
        : bool(context.files.read(inside) !== null);
    },
  },
  fileset: { parameters: [text, text], result: setOf(STRING), call: fileSet },
  basename: { parameters: [text], result: STRING, call: ([path]) => string(baseName(textOf(path))) },
  dirname: { parameters: [text], result: STRING, call: ([path]) => string(directoryOf(textOf(path))) },
  // Where the template will lie is known to the provisioner alone.
  abspath: {
    parameters: [text],
    result: STRING,
    call: ([path]) => (textOf(path).startsWith("/") ? string(cleaned(textOf(path))) : unknown(STRING)),
  },
  pathexpand: {
    parameters: [text],
    result: STRING,
    call: ([path]) => (textOf(path).startsWith("~") ? unknown(STRING) : string(textOf(path))),
  },
  templatefile: { parameters: [text, { type: { kind: "dynamic" } }], call: () => unknown(STRING) },
};

function cleaned(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 ? normal.replace(/\/$/, "") : normal;
}

/** Up to the last slash: of `a/b/` it is `a/b`. */
function directoryOf(path: string): string {
  return cleaned(path.slice(0, path.lastIndexOf("/") + 1) || ".");
}

function baseName(path: string): string {
  if (path === "") return ".";
  return posix.basename(path) || "/";
}

/** A path in the archive; null for one outside of it, of which nothing is known here. */
export function pathInArchive(path: string, { files }: Context): string | null {
  if (path.startsWith("/") || path.startsWith("~")) return null;
  const joined = cleaned(posix.join(files?.directory ?? "", path));
  return joined === ".." || joined.startsWith("../") ? null : joined;
}

/** The bytes of a file; null when nothing is known of it: it lies outside of the archive, or is too large. */
export function readBytes(path: string, context: Context): Uint8Array | null {
  const inside = pathInArchive(path, context);
  if (inside === null || context.files === null) return null;
  const bytes = context.files.read(inside);
  if (bytes === "unread") return null;
  if (bytes === null) return refuse(`The template has no file ${JSON.stringify(path)}.`);
  context.budget.spend({ steps: bytes.length / 16, size: bytes.length });
  return bytes;
}

function onBytes(use: (bytes: Uint8Array) => string): FunctionDefinition {
  return {
    parameters: [text],
    result: STRING,
    call: ([path], context) => {
      const bytes = readBytes(textOf(path), context);
      return bytes === null ? unknown(STRING) : string(use(bytes));
    },
  };
}

function hashOfFile(algorithm: string, encoding: "hex" | "base64"): FunctionDefinition {
  return onBytes((bytes) => createHash(algorithm).update(bytes).digest(encoding));
}

function fileSet([path, pattern]: readonly Value[], context: Context): Value {
  const directory = pathInArchive(textOf(path), context);
  if (directory === null || context.files === null) return unknown(setOf(STRING));
  const prefix = directory === "." || directory === "" ? "" : `${directory}/`;
  const matches = globToPattern(cleaned(textOf(pattern)));
  const all = context.files.list();
  context.budget.spend({ steps: all.length });
  const found = all.filter((file) => file.startsWith(prefix) && matches(file.slice(prefix.length)));
  return set(
    STRING,
    found.map((file) => string(file.slice(prefix.length))),
  );
}
